import { rmSync } from 'node:fs';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { postgres } from '../../lab/servers/shared-servers.ts';
import { newDataDir } from '../../lab/service/embedded-template.ts';
import { searchMessages } from '../../src/store/mail/search-messages.ts';
import { type Database, openDatabase } from '../../src/store/plumbing/database.ts';
import { addTenant } from '../../src/store/tenancy/tenants.ts';
import { type StoredAccount, storeAccount } from '../server/stored-mail.ts';

const dataDir = newDataDir();
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

const MESSAGES = 3000;
const PAGE = 20;
/**
 * Rows from the index, the location, the sort and the page, at most. Plans that join too early return ten times as
 * many.
 */
const ROWS_OF_A_MESSAGE = 5;

/** A database that was just filled has no statistics. */
describe.each([
  ['the embedded database', async () => ({ url: undefined, dataDir })],
  ['PostgreSQL', async () => ({ url: await postgres.createDatabase(), dataDir })],
])('a page of the newest in %s, without statistics', (_name, location) => {
  let database: Database;
  let tenantId: string;

  beforeAll(async () => {
    database = await openDatabase(await location());
    await addTenant(database.prisma, 'alice');
    ({ id: tenantId } = await database.prisma.tenant.findUniqueOrThrow({ where: { name: 'alice' } }));
    await database.pool.query('ALTER TABLE message SET (autovacuum_enabled = off)');
    await database.pool.query('ALTER TABLE message_location SET (autovacuum_enabled = off)');
    await fill(database, await storeAccount(database, tenantId, 'alice@example.com'));
  });

  afterAll(() => database?.close());

  test.each([
    ['messages', false],
    ['threads', true],
  ])('of %s reads no message twice', async (_what, collapseThreads) => {
    expect(await searchMessages(database.pool, { tenantId, collapseThreads }, PAGE)).toHaveLength(PAGE);
    expect(await rowsRead(database.pool, { tenantId, collapseThreads })).toBeLessThan(ROWS_OF_A_MESSAGE * MESSAGES);
  });
});

/** Creates threads of two messages each, in one statement. */
async function fill({ pool }: Database, { accountId, inbox }: StoredAccount): Promise<void> {
  await pool.query(
    `WITH a_thread AS (
       INSERT INTO thread (id, account_id) SELECT gen_random_uuid(), $1 FROM generate_series(1, $3::int / 2) RETURNING id
     ), numbered AS (SELECT id, row_number() OVER () AS n FROM a_thread), a_message AS (
       INSERT INTO message (id, account_id, thread_id, sha256, "from", "to", cc, bcc, reply_to, received_at, snippet,
         pack_id, text_at, text_size, source_at, size, has_attachments, search)
       SELECT gen_random_uuid(), $1, numbered.id, sha256(convert_to(i::text, 'UTF8')), '[]', '[]', '[]', '[]', '[]',
         timestamptz '2026-01-01' + i * interval '1 minute', repeat('word ', 40), gen_random_uuid(), 0, 0, 0, 1, false, ''
       FROM generate_series(1, $3::int) i JOIN numbered ON n = 1 + (i * 7919) % ($3::int / 2) RETURNING id
     )
     INSERT INTO message_location (mailbox_id, account_id, generation, uid, message_id, flags, internal_date, size, state)
     SELECT $2, $1, (SELECT generation FROM mailbox WHERE id = $2), 1000 + row_number() OVER (), id, '{}', now(), 1, 'STORED'
     FROM a_message`,
    [accountId, inbox, MESSAGES],
  );
}

interface PlanNode {
  'Actual Rows': number;
  'Actual Loops': number;
  Plans?: PlanNode[];
}

/** How many rows all steps of the search returned together. */
async function rowsRead(pool: pg.Pool, filter: Parameters<typeof searchMessages>[1]): Promise<number> {
  const rowsOf = (node: PlanNode): number =>
    node['Actual Rows'] * node['Actual Loops'] + (node.Plans ?? []).reduce((sum, child) => sum + rowsOf(child), 0);
  let read = 0;
  const explaining = {
    async query({ text, ...rest }: pg.QueryConfig) {
      const { rows } = await pool.query({ ...rest, text: `EXPLAIN (ANALYZE, FORMAT JSON) ${text}` });
      read = rowsOf(rows[0]['QUERY PLAN'][0].Plan);
      return { rows: [] };
    },
  };
  await searchMessages(explaining as unknown as pg.Pool, filter, PAGE);
  return read;
}
