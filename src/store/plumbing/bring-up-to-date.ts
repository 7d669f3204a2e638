import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import pg from 'pg';

/** Advisory lock, with an arbitrary number: nodes that start together migrate the schema one after the other. */
const MIGRATION_LOCK = 4_020_1125;

/**
 * Applies the migrations that the database lacks. A database with newer migrations stays unchanged: during an upgrade,
 * nodes of the previous version may still start.
 * @returns the names of the applied migrations
 */
export async function bringUpToDate(connection: pg.PoolConfig): Promise<string[]> {
  return (await isUpToDate(connection)) ? [] : migrate(connection);
}

/**
 * Does the same on a server, where several nodes may start at the same time: the second one waits, and then finds
 * nothing to do. Prisma's engine has its own lock, but gives up after 10 s, less than an index on a large table takes.
 * (Not for the embedded database, which belongs to one process, and to one client at a time within a transaction.)
 */
export async function bringUpToDateTogether(connection: pg.PoolConfig): Promise<string[]> {
  if (await isUpToDate(connection)) return [];
  const client = new pg.Client(connection);
  await client.connect();
  try {
    // A transaction-level lock, because a pooler shares sessions. It ends with the connection, so that other nodes do
    // not wait for a node that dies here.
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

/** Runs src/store/plumbing/migrate.ts, which states why it is a process of its own. */
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
