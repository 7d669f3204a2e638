import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { PrismaClient } from '../generated/prisma/client.ts';
import { openEmbedded, runningSocketDir } from './embedded/open-embedded.ts';

/** The database of this installation: an embedded PostgreSQL below `dataDir`, or the server at `url`. */
export interface DatabaseLocation {
  readonly url: string | undefined;
  readonly dataDir: string;
}

/** One pool for both ways to the database: Prisma where rows are read by shape, SQL where they are written in bulk. */
export interface Database {
  readonly prisma: PrismaClient;
  readonly pool: pg.Pool;
  /** True where no other process can have the database open: what is RUNNING at the start is a dead run's. */
  readonly exclusive: boolean;
  /** How long a transaction that writes in bulk should take, in milliseconds. */
  readonly transactionMs: number;
  close(): Promise<void>;
}

/** Connections to a server. Syncs hold one each while a batch commits, the API shares the rest. */
const POOL_SIZE = 10;
/** The embedded database runs one unit of work at a time: more connections would only wait there instead of here. */
const EMBEDDED_POOL_SIZE = 4;

/** Others work beside a transaction; larger ones cost less in all, and a run is cancelled within two seconds. */
const TRANSACTION_MS = 50;
/** Everybody else waits for it. */
const EMBEDDED_TRANSACTION_MS = 20;

/** Opens the database and brings its schema up to date. */
export async function openDatabase(location: DatabaseLocation): Promise<Database> {
  if (location.url) {
    const connection = { connectionString: location.url, max: POOL_SIZE };
    await migrate(connection);
    return connect(connection, false, async () => {});
  }
  const embedded = await openEmbedded(location.dataDir);
  const connection = { ...embeddedConnection(embedded.socketDir), max: EMBEDDED_POOL_SIZE };
  try {
    await migrate(connection);
    return connect(connection, true, () => embedded.close());
  } catch (error) {
    await embedded.close();
    throw error;
  }
}

/** For a command beside the service: through the service's own database if it runs, else as the service would. */
export async function openDatabaseBeside(location: DatabaseLocation): Promise<Database> {
  const socketDir = location.url ? null : runningSocketDir(location.dataDir);
  return socketDir
    ? connect({ ...embeddedConnection(socketDir), max: 1 }, false, async () => {})
    : openDatabase(location);
}

const embeddedConnection = (socketDir: string): pg.PoolConfig => ({
  host: socketDir,
  user: 'postgres',
  database: 'postgres',
});

function connect(config: pg.PoolConfig, exclusive: boolean, closeServer: () => Promise<void>): Database {
  const pool = new pg.Pool(config);
  // A connection that breaks while idle is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => {});
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });
  return {
    prisma,
    pool,
    exclusive,
    transactionMs: exclusive ? EMBEDDED_TRANSACTION_MS : TRANSACTION_MS,
    async close() {
      await prisma.$disconnect();
      await pool.end();
      await closeServer();
    },
  };
}

/** Runs the migrations that the database lacks, in a process of its own (src/store/migrate.ts). */
async function migrate(connection: pg.PoolConfig): Promise<void> {
  if (await isUpToDate(connection)) return;
  const script = new URL('./migrate.ts', import.meta.url).pathname;
  const migration = promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', script]);
  migration.child.stdin?.end(JSON.stringify(connection));
  await migration.catch((error: { stderr?: string }) => {
    throw new Error(`The database schema could not be brought up to date:\n${error.stderr ?? ''}`, { cause: error });
  });
}

async function isUpToDate(connection: pg.PoolConfig): Promise<boolean> {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    const known = await client.query<{ exists: boolean }>(
      `SELECT to_regclass('_prisma_migrations') IS NOT NULL AS exists`,
    );
    if (!known.rows[0]?.exists) return false;
    const applied = await client.query<{ name: string }>(
      'SELECT migration_name AS name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL',
    );
    const names = new Set(applied.rows.map((row) => row.name));
    return readdirSync(new URL('../../prisma/migrations/', import.meta.url), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .every((entry) => names.has(entry.name));
  } finally {
    await client.end();
  }
}
