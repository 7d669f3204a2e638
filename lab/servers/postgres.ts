import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { freePort } from './free-port.ts';
import { type ServerProcess, startServer } from './server-process.ts';

const run = promisify(execFile);

const INSTALLED = '/usr/lib/postgresql';
const OLDEST = 15;
const HOST = '127.0.0.1';

/** Everything that another process needs to use a running PostgreSQL. */
export type PostgresCoordinates = {
  port: number;
  password: string;
  /** The URL of the template for new databases; without it they are empty. */
  template?: string;
};

export type Postgres = PostgresCoordinates & {
  /**
   * Creates a database and returns its URL: a copy of `template`, which must not be in use, or of the tests' own
   * template, which has the present schema.
   */
  createDatabase(options?: { template?: string }): Promise<string>;
};

/** A private PostgreSQL on a free port, whose data is deleted when it stops. */
export async function startPostgres(): Promise<Postgres & ServerProcess> {
  const programs = newestPrograms();
  const folder = mkdtempSync(join(tmpdir(), 'postgres-'));
  const [data, passwordFile] = [join(folder, 'data'), join(folder, 'password')];
  const password = randomBytes(12).toString('hex');
  writeFileSync(passwordFile, password);

  // PostgreSQL refuses to run as root.
  const isRoot = process.getuid?.() === 0;
  if (isRoot) await run('chown', ['-R', 'postgres', folder]);
  const asUser = isRoot ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : ['env'];

  const initialise = ['-D', data, '-U', 'postgres', '--pwfile', passwordFile, '--auth=scram-sha-256', '--no-sync'];
  const locale = ['--encoding=UTF8', '--locale=C.UTF-8'];
  const [command = '', ...before] = asUser;
  await run(command, [...before, join(programs, 'initdb'), ...initialise, ...locale], { cwd: folder });

  // Not earlier: initdb takes seconds, in which another server may find the same port free.
  const coordinates = { port: await freePort(HOST), password };
  const settings = {
    port: coordinates.port,
    listen_addresses: HOST,
    unix_socket_directories: folder,
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
  };
  const server = await startServer({
    name: 'PostgreSQL',
    command: [
      ...asUser,
      join(programs, 'postgres'),
      '-D',
      data,
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    folder,
    // The immediate shutdown ends its backends with it, and saves nothing.
    stopSignal: 'QUIT',
    ready: () => query(coordinates, 'SELECT 1').then(() => true),
  });
  return { ...postgresAt(coordinates), ...server };
}

/** A PostgreSQL that another process started and will stop. */
export function postgresAt(coordinates: PostgresCoordinates): Postgres {
  return {
    ...coordinates,
    async createDatabase({ template = coordinates.template ?? emptyDatabase(coordinates) } = {}) {
      const name = `test_${randomBytes(6).toString('hex')}`;
      await query(coordinates, `CREATE DATABASE ${name} TEMPLATE ${new URL(template).pathname.slice(1)}`);
      return url(coordinates, name);
    },
  };
}

/** An empty database without a schema. */
export const emptyDatabase = (coordinates: PostgresCoordinates): string => url(coordinates, 'template1');

const url = ({ port, password }: PostgresCoordinates, database: string) =>
  `postgresql://postgres:${password}@${HOST}:${port}/${database}`;

async function query(coordinates: PostgresCoordinates, sql: string): Promise<void> {
  const client = new Client({ connectionString: url(coordinates, 'postgres'), connectionTimeoutMillis: 5000 });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

function newestPrograms(): string {
  const versions = existsSync(INSTALLED) ? readdirSync(INSTALLED).map(Number) : [];
  const newest = Math.max(
    0,
    ...versions.filter((version) => existsSync(join(INSTALLED, `${version}`, 'bin/postgres'))),
  );
  if (newest < OLDEST) {
    throw new Error(`PostgreSQL ${OLDEST} or newer is needed: sh scripts/setup.sh --servers`);
  }
  return join(INSTALLED, `${newest}`, 'bin');
}
