import { pathToFileURL } from 'node:url';
import { readConfig } from './config.ts';
import { MailtideError } from './errors.ts';
import type { PrismaClient } from './generated/prisma/client.ts';
import { openDatabaseBeside } from './store/database.ts';
import { DataDirInUse } from './store/embedded/data-dir-lock.ts';
import { addKey, addTenant, listTenants } from './store/tenants.ts';

const USAGE = `Usage:
  npm run tenant -- add NAME    makes a tenant and prints its key, once
  npm run tenant -- key NAME    makes one more key for a tenant and prints it, once
  npm run tenant -- list        names the tenants`;

/** `npm run tenant`: works beside a running service as well as without one. */
async function run(prisma: PrismaClient, command: Command): Promise<void> {
  switch (command.verb) {
    case 'add':
      console.log(await addTenant(prisma, command.name));
      break;
    case 'key':
      console.log(await addKey(prisma, command.name));
      break;
    case 'list':
      for (const { name, apiKeys, accounts } of await listTenants(prisma)) {
        console.log(
          `${name}: ${apiKeys} key${apiKeys === 1 ? '' : 's'}, ${accounts} account${accounts === 1 ? '' : 's'}`,
        );
      }
  }
}

type Command = { verb: 'add' | 'key'; name: string } | { verb: 'list' };

/** What the arguments ask for, or null. */
export function parseCommand([verb, name, ...rest]: readonly string[]): Command | null {
  if (rest.length > 0) return null;
  if (verb === 'list') return name === undefined ? { verb } : null;
  return (verb === 'add' || verb === 'key') && name?.trim() ? { verb, name: name.trim() } : null;
}

async function main(): Promise<number> {
  const command = parseCommand(process.argv.slice(2));
  if (!command) {
    console.error(USAGE);
    return 2;
  }
  try {
    const config = readConfig(process.env);
    const database = await openDatabaseBeside({ url: config.DATABASE_URL, dataDir: config.DATA_DIR });
    try {
      await run(database.prisma, command);
      return 0;
    } finally {
      await database.close();
    }
  } catch (error) {
    const isExpected = error instanceof DataDirInUse || (error instanceof MailtideError && error.code !== 'INTERNAL');
    console.error(isExpected ? error.message : error);
    return 1;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.exit(await main());
