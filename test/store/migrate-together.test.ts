import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { EMPTY, postgres } from '../../lab/servers/shared-servers.ts';
import { startService } from '../../lab/service/service.ts';

const ROOT = join(import.meta.dirname, '../..');
const MIGRATIONS = readdirSync(join(ROOT, 'prisma/migrations'))
  .filter((name) => !name.endsWith('.toml'))
  .toSorted();
const ENCRYPTION_KEY = randomBytes(32).toString('base64');
const UP_TO_DATE = { code: 0, stdout: 'The database schema is up to date.\n', stderr: '' };

/** `npm run migrate`, without its set-up. */
function migrate(environment: Record<string, string>): Promise<{ code: number; stdout: string; stderr: string }> {
  const { PATH, TMPDIR } = process.env;
  return new Promise((resolve) => {
    execFile(
      'sh',
      ['scripts/service.sh', 'src/migrate-cli.ts'],
      { cwd: ROOT, env: { PATH, TMPDIR, ...environment } },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

async function applied(databaseUrl: string): Promise<string[]> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ name: string }>(
    'SELECT migration_name AS name FROM _prisma_migrations ORDER BY migration_name, started_at',
  );
  await client.end();
  return rows.map(({ name }) => name);
}

test('several commands at once apply each migration once, and all succeed', async () => {
  const DATABASE_URL = await postgres.createDatabase(EMPTY);
  const ends = await Promise.all([1, 2, 3].map(() => migrate({ DATABASE_URL, ENCRYPTION_KEY })));
  const all = { code: 0, stdout: MIGRATIONS.map((name) => `applied ${name}\n`).join(''), stderr: '' };
  expect(ends.toSorted((a, b) => b.stdout.length - a.stdout.length)).toEqual([all, UP_TO_DATE, UP_TO_DATE]);
  expect(await applied(DATABASE_URL)).toEqual(MIGRATIONS);
});

test('two nodes that start on an empty database are ready with one first tenant', async () => {
  const databaseUrl = await postgres.createDatabase(EMPTY);
  const environment = { API_KEY: `mt_test_${randomBytes(32).toString('base64url')}` };
  const starts = await Promise.all([1, 2].map(() => startService({ databaseUrl, environment })));
  for (const node of starts) {
    expect(await node.data('{ viewer { tenant { name } } }')).toEqual({ viewer: { tenant: { name: 'default' } } });
    expect(await node.stop()).toBe(0);
  }
  expect(await applied(databaseUrl)).toEqual(MIGRATIONS);
});

test('a node that waits for another migrates when the other dies', async () => {
  const DATABASE_URL = await postgres.createDatabase(EMPTY);
  const holder = new Client({ connectionString: DATABASE_URL });
  await holder.connect();
  holder.on('error', () => {});
  await holder.query('BEGIN; SELECT pg_advisory_xact_lock(40201125)');
  const waiting = migrate({ DATABASE_URL, ENCRYPTION_KEY });
  const watcher = new Client({ connectionString: DATABASE_URL });
  await watcher.connect();
  for (;;) {
    const { rows } = await watcher.query<{ pid: number }>(
      `SELECT l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database
       WHERE l.locktype = 'advisory' AND NOT l.granted AND d.datname = current_database()`,
    );
    if (rows.length > 0) break;
  }
  expect(await applied(DATABASE_URL).catch((error: Error) => error.message)).toMatch(/_prisma_migrations/);
  await watcher.query(
    `SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
     WHERE l.locktype = 'advisory' AND l.granted AND d.datname = current_database()`,
  );
  expect((await waiting).code).toBe(0);
  await Promise.all([watcher.end(), holder.end().catch(() => {})]);
  expect(await applied(DATABASE_URL)).toEqual(MIGRATIONS);
});

test('the embedded database migrates too, also beside a running service', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'data-'));
  const DATA_DIR = folder.path;
  expect((await migrate({ DATA_DIR })).stdout.split('\n').length).toBe(MIGRATIONS.length + 1);
  expect(await migrate({ DATA_DIR })).toEqual(UP_TO_DATE);
  await using _service = await startService({ dataDir: DATA_DIR });
  expect(await migrate({ DATA_DIR })).toEqual(UP_TO_DATE);
}, 120_000);

test('an unreachable database is reported in one line, without its password', async () => {
  const DATABASE_URL = 'postgresql://mailtide:hunter2@127.0.0.1:1/mailtide';
  const { code, stdout, stderr } = await migrate({ DATABASE_URL, ENCRYPTION_KEY });
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/^[^\n]*ECONNREFUSED[^\n]*\n$/);
  expect(stderr).not.toContain('hunter2');
});
