import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { waitFor } from '../../lab/wait.ts';
import { type EmbeddedPostgres, openEmbedded } from '../../src/store/embedded/open-embedded.ts';

vi.setConfig({ testTimeout: 60_000 });
const dataDir = mkdtempSync(join(tmpdir(), 'embedded-'));
let embedded: EmbeddedPostgres;

beforeAll(async () => {
  embedded = await openEmbedded(dataDir);
});

afterAll(async () => {
  await embedded?.close();
  rmSync(dataDir, { recursive: true, force: true });
});

beforeEach(() => withClient((client) => client.query('DROP TABLE IF EXISTS note; CREATE TABLE note (n int)')));

async function open(): Promise<Client> {
  const client = new Client({ host: embedded.socketDir, user: 'postgres', database: 'postgres' });
  client.on('error', () => {});
  await client.connect();
  return client;
}

async function withClient<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const client = await open();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Ends the connection as if its process had died. */
const cut = (client: Client): void =>
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();

const notes = (): Promise<number[]> =>
  withClient(async (client) => {
    const { rows } = await client.query<{ n: number }>('SELECT n FROM note ORDER BY n');
    return rows.map(({ n }) => n);
  });

test('concurrent connections get their own results, in and out of transactions', async () => {
  const [connections, rounds] = [8, 25];
  const kept = (i: number): boolean => i % 2 === 0 && i % 5 !== 4;
  const work = Array.from({ length: connections }, (_, who) =>
    withClient(async (client) => {
      for (let i = 0; i < rounds; i += 1) {
        await expectOwnAnswer(client, who, i);
        await client.query('BEGIN');
        await client.query('INSERT INTO note VALUES ($1)', [who * 100 + i]);
        await expectOwnAnswer(client, who, i);
        if (i % 5 === 4) {
          await expect(client.query('SELECT 1 / $1::int', [0])).rejects.toMatchObject({ code: '22012' });
        }
        // A failed transaction is rolled back, whatever the client sends.
        await client.query(i % 2 === 0 ? 'COMMIT' : 'ROLLBACK');
      }
    }),
  );
  await Promise.all(work);
  const numbers = Array.from({ length: rounds }, (_, i) => i).filter(kept);
  expect(await notes()).toEqual(
    Array.from({ length: connections }, (_, who) => numbers.map((i) => who * 100 + i)).flat(),
  );
});

/** Each connection's statement has its own number of parameters and columns, so another's would not fit. */
async function expectOwnAnswer(client: Client, who: number, i: number): Promise<void> {
  const values = Array.from({ length: who + 1 }, (_, column) => `${who}.${i}.${column}`);
  const columns = values.map((_, column) => `$${column + 1}::text AS c${column}`);
  const { rows } = await client.query({ text: `SELECT ${columns.join()}`, values, rowMode: 'array' });
  expect(rows).toEqual([values]);
}

test('a transaction excludes all other clients until it ends', async () => {
  const [one, two] = [await open(), await open()];
  await one.query('BEGIN');
  await one.query('INSERT INTO note VALUES (1)');
  let answered = false;
  const waiting = two.query('SELECT count(*)::int AS n FROM note').then(({ rows }) => {
    answered = true;
    return rows;
  });
  for (let i = 0; i < 20; i += 1) await one.query('SELECT $1::int', [i]);
  expect(answered).toBe(false);
  await one.query('ROLLBACK');
  expect(await waiting).toEqual([{ n: 0 }]);
  await Promise.all([one.end(), two.end()]);
});

test.each(['ends', 'is cut off'])(
  'a client that %s in a transaction is rolled back, and others continue',
  async (how) => {
    const leaving = await open();
    await leaving.query('BEGIN');
    await leaving.query('INSERT INTO note VALUES (1)');
    const waiting = notes();
    if (how === 'ends') await leaving.end();
    else cut(leaving);
    expect(await waiting).toEqual([]);
  },
);

test('a client that disconnects during its statement is rolled back', async () => {
  const leaving = await open();
  await leaving.query('BEGIN');
  await leaving.query('INSERT INTO note VALUES (1)');
  const running = leaving.query('SELECT count(*) FROM generate_series(1, 3000000)').catch(() => 'gone');
  await new Promise(setImmediate);
  cut(leaving);
  expect(await notes()).toEqual([]);
  expect(await running).toBe('gone');
});

test('half a message of a client that disconnects affects no other', async () => {
  const socket = connect(join(embedded.socketDir, '.s.PGSQL.5432'));
  await once(socket, 'connect');
  socket.end(Buffer.from([0, 0, 0, 80, 0, 3, 0, 0, 117]));
  await once(socket.resume(), 'close');
  expect(await notes()).toEqual([]);
});

test('a parameter and a result of 20 MB work', async () => {
  const bytes = Buffer.alloc(20 * 1024 * 1024, 'tide');
  const [row] = await withClient(async (client) => {
    const { rows } = await client.query<{ echo: Buffer; length: number }>(
      'SELECT $1::bytea AS echo, length($1::bytea) AS length',
      [bytes],
    );
    return rows;
  });
  expect(row!.length).toBe(bytes.length);
  expect(row!.echo.equals(bytes)).toBe(true);
});

test('an open transaction does not prevent closing', async () => {
  const idle = await open();
  await idle.query('BEGIN');
  await idle.query('INSERT INTO note VALUES (1)');
  await embedded.close();
  embedded = await openEmbedded(dataDir);
  expect(await notes()).toEqual([]);
});

test('kill -9 during inserts loses no acknowledged row', async () => {
  await embedded.close();
  const inserter = spawn(process.execPath, [join(import.meta.dirname, '../../lab/service/note-inserter.ts'), dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(inserter, 'exit');
  let acknowledged = 0;
  createInterface({ input: inserter.stdout }).on('line', (line) => {
    acknowledged = Number(line);
  });
  await waitFor(() => acknowledged >= 200, { what: 'two hundred inserts', timeoutMs: 30_000 });
  inserter.kill('SIGKILL');
  await ended;
  embedded = await openEmbedded(dataDir);
  const kept = await notes();
  expect(kept.slice(0, acknowledged)).toEqual(Array.from({ length: acknowledged }, (_, i) => i + 1));
  // The insert in progress may be present or not; nothing else is.
  expect(kept.length - acknowledged).toBeLessThanOrEqual(1);
});
