import { pathToFileURL } from 'node:url';
import { readConfig } from './config.ts';
import { MailtideError } from './errors.ts';
import type { PrismaClient } from './generated/prisma/client.ts';
import { DataDirInUse } from './store/embedded/data-dir-lock.ts';
import { openDatabaseBeside } from './store/plumbing/database.ts';
import { addKey, addTenant, endSessions, listKeys, listTenants, revokeKey } from './store/tenancy/tenants.ts';

const USAGE = `Usage:
  npm run tenant -- add NAME        creates a tenant and prints its key, once
  npm run tenant -- key NAME        creates another key for a tenant and prints it, once
  npm run tenant -- keys NAME       lists the keys of a tenant by their ids
  npm run tenant -- revoke KEY_ID   revokes a key and ends its sessions
  npm run tenant -- sign-out NAME   ends all sessions of a tenant
  npm run tenant -- list            lists the tenants`;

/** `npm run tenant`: works with or without a running service. */
async function run(prisma: PrismaClient, { verb, subject }: Command): Promise<string[]> {
  switch (verb) {
    case 'add':
      return [await addTenant(prisma, subject)];
    case 'key':
      return [await addKey(prisma, subject)];
    case 'keys':
      return (await listKeys(prisma, subject)).map(
        ({ id, createdAt, isConfigured, sessions }) =>
          `${id}: created ${createdAt.toISOString()}, ${counted(sessions, 'session')}${isConfigured ? ', the setting API_KEY' : ''}`,
      );
    case 'revoke':
      await revokeKey(prisma, subject);
      return [`Revoked ${subject}.`];
    case 'sign-out':
      return [`Ended ${counted(await endSessions(prisma, subject), 'session')}.`];
    case 'list':
      return (await listTenants(prisma)).map(
        ({ name, apiKeys, accounts }) => `${name}: ${counted(apiKeys, 'key')}, ${counted(accounts, 'account')}`,
      );
  }
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

const VERBS = ['add', 'key', 'keys', 'revoke', 'sign-out', 'list'] as const;
/** `subject` is the name of a tenant or the id of a key; empty for `list`. */
type Command = { verb: (typeof VERBS)[number]; subject: string };

/** Parses the arguments, or returns null if they are invalid. */
export function parseCommand([given, subject, ...rest]: readonly string[]): Command | null {
  const verb = VERBS.find((one) => one === given);
  if (!verb || rest.length > 0) return null;
  if (verb === 'list') return subject === undefined ? { verb, subject: '' } : null;
  return subject?.trim() ? { verb, subject: subject.trim() } : null;
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
      for (const line of await run(database.prisma, command)) console.log(line);
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
