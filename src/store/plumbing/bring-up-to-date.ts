import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import pg from 'pg';

/** Nodes that start together bring the schema up to date one after the other. Any number will do. */
const MIGRATION_LOCK = 4_020_1125;

/**
 * Applies the migrations that the database lacks. One that knows more than we do is left as it is: during an upgrade
 * nodes of the version before may still start.
 * @returns the names of those that were applied
 */
export async function bringUpToDate(connection: pg.PoolConfig): Promise<string[]> {
  return (await isUpToDate(connection)) ? [] : migrate(connection);
}

/**
 * The same on a server, where several nodes may start at the same time: who comes second waits, and then finds nothing
 * to do. Prisma's engine has a lock of its own, but gives up after 10 s, which is less than an index on a large table
 * takes. (Not on the embedded database: it belongs to one process, and to one client at a time within a transaction.)
 */
export async function bringUpToDateTogether(connection: pg.PoolConfig): Promise<string[]> {
  if (await isUpToDate(connection)) return [];
  const client = new pg.Client(connection);
  await client.connect();
  try {
    // Of the transaction, not of the session: behind a pooler there are no sessions of one's own. It ends with the
    // connection, so that a node that dies here keeps nobody waiting.
    await client.query('BEGIN');
    await client.query('SET LOCAL idle_in_transaction_session_timeout = 0');
    await client.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    const applied = await bringUpToDate(connection);
    await client.query('COMMIT');
    return applied;
  } finally {
    await client.end();
  }
}

/** In a process of its own: src/store/plumbing/migrate.ts says why. */
async function migrate(connection: pg.PoolConfig): Promise<string[]> {
  const script = new URL('./migrate.ts', import.meta.url).pathname;
  const migration = promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', script]);
  migration.child.stdin?.end(JSON.stringify(connection));
  const { stdout } = await migration.catch((error: { stderr?: string }) => {
    throw new Error(`The database schema could not be brought up to date:\n${error.stderr ?? ''}`, { cause: error });
  });
  return stdout.split('\n').filter((name) => name !== '');
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
    return readdirSync(new URL('../../../prisma/migrations/', import.meta.url), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .every((entry) => names.has(entry.name));
  } finally {
    await client.end();
  }
}
