import { rmSync } from 'node:fs';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { mails } from '../../lab/mail/mails.ts';
import { dovecot } from '../../lab/servers/shared-servers.ts';
import { newDataDir } from '../../lab/service/embedded-template.ts';
import { startService } from '../../lab/service/service.ts';
import { connectAccount, sync } from '../../lab/service/sync.ts';
import { waitFor } from '../../lab/wait.ts';
import { maintainTable, type TableCare } from '../../src/store/embedded/maintain-table.ts';
import { searchMessages } from '../../src/store/mail/search-messages.ts';
import { type Database, openDatabase, openDatabaseBeside } from '../../src/store/plumbing/database.ts';
import { addTenant } from '../../src/store/tenancy/tenants.ts';
import { type StoredAccount, storeAccount, storeRun } from '../server/stored-mail.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const MESSAGES = 1500;
const dataDir = newDataDir();
let database: Database;
let account: StoredAccount;
let tenantId: string;

beforeAll(async () => {
  database = await openDatabase({ url: undefined, dataDir });
  await addTenant(database.prisma, 'alice');
  ({ id: tenantId } = await database.prisma.tenant.findUniqueOrThrow({ where: { name: 'alice' } }));
  account = await storeAccount(database, tenantId, 'alice@example.com');
  await fill(MESSAGES);
});

afterAll(async () => {
  await database?.close();
  rmSync(dataDir, { recursive: true, force: true });
});

const rowsOf = async <Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<Row[]> =>
  (await database.pool.query<Row>(sql, values)).rows;

/** Creates messages, two per thread, in one statement. */
const fill = (count: number) =>
  rowsOf(
    `WITH a_thread AS (
       INSERT INTO thread (id, account_id) SELECT gen_random_uuid(), $1 FROM generate_series(1, $3::int / 2) RETURNING id
     ), numbered AS (SELECT id, row_number() OVER () AS n FROM a_thread), a_message AS (
       INSERT INTO message (id, account_id, thread_id, sha256, "from", "to", cc, bcc, reply_to, received_at, snippet,
         pack_id, text_at, text_size, source_at, size, has_attachments, search)
       SELECT gen_random_uuid(), $1, numbered.id, sha256(gen_random_uuid()::text::bytea), '[]', '[]', '[]', '[]', '[]',
         timestamptz '2026-01-01' + i * interval '1 minute', '', gen_random_uuid(), 0, 0, 0, 1, false, ''
       FROM generate_series(1, $3::int) i JOIN numbered ON n = 1 + (i * 7919) % ($3::int / 2) RETURNING id
     )
     INSERT INTO message_location (mailbox_id, account_id, generation, uid, message_id, flags, internal_date, size, state)
     SELECT $2, $1, 0, (SELECT coalesce(max(uid), 0) FROM message_location) + row_number() OVER (), id, '{}', now(), 1,
       'STORED' FROM a_message`,
    [account.accountId, account.inbox, count],
  );

/** Maintains until nothing is due. The database counts changes with a delay of up to a second. */
async function tendAll(): Promise<string[]> {
  const done: TableCare[] = [];
  for (let next = await maintainTable(database.pool); next; next = await maintainTable(database.pool)) done.push(next);
  return done.map(({ table, care }) => `${care} ${table}`).toSorted();
}

/** Waits until the database has counted that many changes. */
const counted = (column: 'n_mod_since_analyze' | 'n_dead_tup', table: string, least: number) =>
  waitFor(
    async () => {
      const [row] = await rowsOf<{ n: string }>(
        `SELECT ${column} AS n FROM pg_stat_user_tables WHERE relname = '${table}'`,
      );
      return Number(row!.n) >= least;
    },
    { what: `${least} changes of ${table} to be counted`, timeoutMs: 60_000 },
  );

interface PlanNode {
  'Actual Rows': number;
  'Actual Loops': number;
  Plans?: PlanNode[];
}

/** How many rows all steps of a page of a mailbox's threads returned together. */
async function rowsRead(): Promise<number> {
  const readBy = (node: PlanNode): number =>
    node['Actual Rows'] * node['Actual Loops'] + (node.Plans ?? []).reduce((sum, child) => sum + readBy(child), 0);
  let read = 0;
  const explaining = {
    async query({ text, ...rest }: pg.QueryConfig) {
      const { rows } = await database.pool.query({ ...rest, text: `EXPLAIN (ANALYZE, FORMAT JSON) ${text}` });
      read = readBy(rows[0]['QUERY PLAN'][0].Plan);
      return { rows: [] };
    },
  } as unknown as pg.Pool;
  await searchMessages(explaining, { tenantId, mailboxId: account.inbox, collapseThreads: true }, 50);
  return read;
}

test('during a first sync, the planner has the statistics for threads of a mailbox', async () => {
  const run = await storeRun(database, account.accountId);
  await counted('n_mod_since_analyze', 'message_location', MESSAGES);
  expect(await rowsRead(), 'without statistics').toBeGreaterThan(10 * MESSAGES);
  expect(await tendAll()).toEqual(['ANALYZE message', 'ANALYZE message_location', 'ANALYZE thread']);
  expect(await rowsRead()).toBeLessThan(MESSAGES);
  await database.prisma.syncRun.update({ where: { id: run.id }, data: { status: 'SUCCEEDED' } });
  expect(await tendAll()).toEqual(expect.arrayContaining(['ANALYZE email_account', 'VACUUM message']));
  expect(await tendAll(), 'what is done is done').toEqual([]);
});

test('a table is analysed when half of it has changed, not after each change', async () => {
  await fill(100);
  await counted('n_mod_since_analyze', 'message', 100);
  expect(await tendAll()).toEqual([]);
  await fill(MESSAGES);
  await counted('n_mod_since_analyze', 'message', MESSAGES);
  expect(await tendAll()).toEqual(['ANALYZE message', 'ANALYZE message_location']);
});

test('rows that are updated again and again take no additional space', async () => {
  const size = async () =>
    Number((await rowsOf<{ n: string }>(`SELECT pg_total_relation_size('email_account') AS n`))[0]!.n);
  // One indexed column, as the schedule changes it.
  const write = async () => {
    await rowsOf(
      `UPDATE email_account SET next_sync_at = coalesce(next_sync_at, now()) + interval '1 minute';`.repeat(1000),
    );
    await counted('n_dead_tup', 'email_account', 510);
    return tendAll();
  };
  expect(await write()).toContain('VACUUM email_account');
  const before = await size();
  for (let i = 0; i < 3; i++) await write();
  expect(await size()).toBeLessThan(1.5 * before);
});

test('maintenance that can wait is postponed until no run is active', async () => {
  const run = await storeRun(database, account.accountId);
  await rowsOf('UPDATE message SET indexed_at = now()');
  await counted('n_dead_tup', 'message', MESSAGES);
  expect(await tendAll()).toEqual([]);
  await database.prisma.syncRun.update({ where: { id: run.id }, data: { status: 'SUCCEEDED' } });
  expect(await tendAll()).toEqual(expect.arrayContaining(['ANALYZE message', 'VACUUM message']));
});

test('after a restart with unknown changes, every table is maintained', async () => {
  await database.close();
  database = await openDatabase({ url: undefined, dataDir });
  expect(await tendAll()).toEqual(
    expect.arrayContaining(['ANALYZE message', 'ANALYZE message_location', 'VACUUM message', 'VACUUM email_account']),
  );
  expect(await tendAll()).toEqual([]);
});

test('the service maintains its tables in the background', async () => {
  const ofService = newDataDir();
  const service = await startService({ dataDir: ofService });
  try {
    dovecot.addUser('table-care', { INBOX: mails(0, 30) });
    await sync(service, await connectAccount(service, dovecot, 'table-care'));
    const beside = await openDatabaseBeside({ url: undefined, dataDir: ofService });
    const messages = async (): Promise<number> =>
      (await beside.pool.query(`SELECT reltuples FROM pg_class WHERE relname = 'message'`)).rows[0].reltuples;
    await waitFor(async () => (await messages()) > 0, { what: 'statistics of the messages', timeoutMs: 60_000 });
    await beside.close();
  } finally {
    await service.stop();
    rmSync(ofService, { recursive: true, force: true });
  }
});
