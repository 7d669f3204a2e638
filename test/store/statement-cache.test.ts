import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type EmbeddedPostgres, openEmbedded } from '../../src/store/embedded/open-embedded.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'statements-'));
let embedded: EmbeddedPostgres;
const clients: Client[] = [];

beforeAll(async () => {
  embedded = await openEmbedded(dataDir);
  for (let i = 0; i < 2; i += 1) {
    const client = new Client({ host: embedded.socketDir, user: 'postgres', database: 'postgres' });
    await client.connect();
    clients.push(client);
  }
}, 60_000);

afterAll(async () => {
  for (const client of clients) await client.end();
  await embedded?.close();
  rmSync(dataDir, { recursive: true, force: true });
});

beforeEach(() => clients[0]!.query('DROP TABLE IF EXISTS note; CREATE TABLE note (n int PRIMARY KEY, text text)'));

const ADD = 'INSERT INTO note VALUES ($1, $2)';
const READ = 'SELECT * FROM note WHERE n >= $1 ORDER BY n';

/** What the session has prepared of a statement: how often it was planned for its values, and how often generically. */
async function prepared(text: string): Promise<{ custom: number; generic: number }[]> {
  const { rows } = await clients[0]!.query<{ custom: number; generic: number }>(
    `SELECT custom_plans::int AS custom, generic_plans::int AS generic FROM pg_prepared_statements WHERE statement = '${text}'`,
  );
  return rows;
}

test('a statement of several connections is prepared once, with separate results', async () => {
  for (let n = 0; n < 20; n += 1) {
    const client = clients[n % 2]!;
    expect((await client.query(ADD, [n, `note ${n}`])).rowCount).toBe(1);
    const { rows, fields } = await client.query(READ, [n]);
    expect(rows).toEqual([{ n, text: `note ${n}` }]);
    expect(fields.map(({ name }) => name)).toEqual(['n', 'text']);
  }
  expect(await prepared(ADD)).toEqual([{ custom: 5, generic: 15 }]);
  expect(await prepared(READ)).toHaveLength(1);
});

test('values of all sizes reach a prepared statement', async () => {
  for (const [n, length] of [0, 1, 300, 5_000_000, 70_000, 0].entries()) {
    const text = 'ü'.repeat(length);
    await clients[n % 2]!.query(ADD, [n, text]);
    expect((await clients[0]!.query<{ text: string }>(READ, [n])).rows.at(-1)!.text).toBe(text);
  }
});

test('a statement is prepared again from time to time, as its tables grow', async () => {
  for (let n = 0; n < 130; n += 1) await clients[0]!.query(ADD, [n, null]);
  expect(await prepared(ADD)).toEqual([{ custom: 5, generic: 25 }]);
});

test('a read-only statement is planned for its values each time', async () => {
  for (let n = 1; n <= 24; n += 1) {
    await clients[n % 2]!.query(READ, [n]);
    expect(await prepared(READ)).toEqual([{ custom: ((n - 1) % 5) + 1, generic: 0 }]);
  }
});

test('a failing statement fails alone, and the next one works', async () => {
  const client = clients[0]!;
  await client.query(ADD, [1, null]);
  for (let i = 0; i < 3; i += 1) {
    await expect(client.query(ADD, [1, null])).rejects.toThrow('duplicate key');
    await expect(client.query(ADD, ['one', null])).rejects.toThrow('invalid input syntax');
    await expect(client.query('SELECT nothing FROM note WHERE n = $1', [1])).rejects.toThrow('does not exist');
    await client.query(ADD, [2 + i, null]);
  }
  await client.query('BEGIN');
  await expect(client.query(ADD, [1, null])).rejects.toThrow('duplicate key');
  await expect(client.query(READ, [1])).rejects.toThrow('aborted');
  await expect(client.query(READ, [1])).rejects.toThrow('aborted');
  await client.query('ROLLBACK');
  expect((await client.query(READ, [1])).rows).toHaveLength(4);
  expect(await prepared(READ)).toEqual([{ custom: 1, generic: 0 }]);
});

test('a table that is altered or recreated is read in its new form', async () => {
  const [one, two] = clients as [Client, Client];
  await one.query(ADD, [1, 'first']);
  expect((await two.query(READ, [0])).rows).toEqual([{ n: 1, text: 'first' }]);
  await one.query('ALTER TABLE note ADD COLUMN more int DEFAULT 7');
  expect((await two.query(READ, [0])).rows).toEqual([{ n: 1, text: 'first', more: 7 }]);
  await two.query('DROP TABLE note; CREATE TABLE note (n bigint, other text)');
  await one.query(ADD, [2, 'second']);
  expect((await two.query(READ, [0])).rows).toEqual([{ n: '2', other: 'second' }]);
});

test('a client that deallocates everything disturbs no other', async () => {
  const [one, two] = clients as [Client, Client];
  await one.query(READ, [0]);
  await two.query('DEALLOCATE ALL');
  await expect(one.query(READ, [0])).rejects.toThrow('does not exist');
  expect((await one.query(READ, [0])).rows).toEqual([]);
});

test('the cache keeps the most recently used statements, up to a limit', async () => {
  for (let i = 0; i < 250; i += 1) {
    await clients[0]!.query(`SELECT $1::int + ${i} AS sum`, [i]);
    if (i % 50 === 0) await clients[1]!.query(ADD, [i, null]);
  }
  const { rows } = await clients[0]!.query<{ count: number }>('SELECT count(*)::int FROM pg_prepared_statements');
  expect(rows[0]!.count).toBeLessThanOrEqual(101);
  expect(await prepared(ADD)).toEqual([{ custom: 5, generic: 0 }]);
});

test('a client with named statements bypasses the cache', async () => {
  const named = { name: 'mine', text: READ };
  await clients[0]!.query(ADD, [1, null]);
  for (let i = 0; i < 3; i += 1) {
    expect((await clients[0]!.query({ ...named, values: [0] })).rows).toHaveLength(1);
    expect((await clients[0]!.query(READ, [0])).rows).toHaveLength(1);
  }
  expect(await prepared(READ)).toEqual(Array(2).fill({ custom: 3, generic: 0 }));
});
