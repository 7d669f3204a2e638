import { rmSync } from 'node:fs';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { postgres } from '../../lab/servers/shared-servers.ts';
import { newDataDir } from '../../lab/service/embedded-template.ts';
import { waitFor } from '../../lab/wait.ts';
import { startSearchIndexer } from '../../src/jobs/maintenance/search-indexer.ts';
import { indexWaiting } from '../../src/store/mail/index-waiting.ts';
import { IN_BOTH_INDEXES, searchMessages } from '../../src/store/mail/search-messages.ts';
import { type Database, openDatabase } from '../../src/store/plumbing/database.ts';
import { inTransaction } from '../../src/store/plumbing/sql.ts';
import { addTenant } from '../../src/store/tenancy/tenants.ts';
import { type StoredAccount, storeAccount, storeMessage } from '../server/stored-mail.ts';

const dataDir = newDataDir();
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

describe.each([
  ['the embedded database', async () => ({ url: undefined, dataDir })],
  ['PostgreSQL', async () => ({ url: await postgres.createDatabase(), dataDir })],
])('words in %s', (_name, location) => {
  let database: Database;
  let tenantId: string;
  let account: StoredAccount;

  beforeAll(async () => {
    database = await openDatabase(await location());
    await addTenant(database.prisma, 'alice');
    ({ id: tenantId } = await database.prisma.tenant.findUniqueOrThrow({ where: { name: 'alice' } }));
    account = await storeAccount(database, tenantId, 'alice@example.com');
    for (let i = 0; i < 100; i++) {
      await storeMessage(database, { account, subject: `number ${i}`, text: i % 10 ? 'herring' : 'herring and whale' });
    }
  });

  afterAll(() => database?.close());

  const found = async (search: string): Promise<number> =>
    (await searchMessages(database.pool, { tenantId, search }, 200)).length;
  const waiting = (): Promise<number> => database.prisma.message.count({ where: { indexedAt: null } });
  /** The indexes that a search uses if reading the whole table, which is quickest for so few rows, is off. */
  const indexesUsed = (): Promise<string[]> =>
    inTransaction(database.pool, async (tx) => {
      await tx.query('SET LOCAL enable_seqscan = off');
      const rows = await tx.query<Record<string, string>>(
        `EXPLAIN SELECT id FROM message m WHERE m.search @@ 'whale'::tsquery AND ${IN_BOTH_INDEXES}`,
      );
      const plan = rows.flatMap((row) => Object.values(row)).join('\n');
      return [...plan.matchAll(/Bitmap Index Scan on (\w+)/g)].map(([, index]) => index!).toSorted();
    });

  test('are found before, during and after indexing', async () => {
    expect(await waiting()).toBe(100);
    for (const left of [100, 60, 0]) {
      while ((await waiting()) > left) await indexWaiting(database.pool, 0, 20);
      expect(await waiting()).toBe(left);
      expect(await found('whale')).toBe(10);
      expect(await found('herring -whale')).toBe(90);
      expect(await found('"number 42"')).toBe(1);
      expect(await indexesUsed()).toEqual(['message_search', 'message_search_waiting']);
    }
  });

  test('wait for the configured time', async () => {
    await storeMessage(database, { account, subject: 'late' });
    expect(await indexWaiting(database.pool, 60_000, 20)).toBe(0);
    expect(await found('late')).toBe(1);
    expect(await indexWaiting(database.pool, 0, 20)).toBe(1);
    expect(await found('late')).toBe(1);
  });

  test('are indexed in the background, also by two nodes at once', async () => {
    for (let i = 0; i < 50; i++) await storeMessage(database, { account, subject: `porpoise ${i}` });
    const stops = [1, 2].map(() => startSearchIndexer(database, pino({ level: 'silent' }), 10));
    await waitFor(async () => (await waiting()) === 0, { what: 'the words to be indexed' });
    await Promise.all(stops.map((stop) => stop()));
    expect(await found('porpoise')).toBe(50);
  });
});
