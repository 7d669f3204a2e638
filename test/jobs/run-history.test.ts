import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { insertTestAccounts } from '../../lab/assertions/stored-account.ts';
import { postgres } from '../../lab/servers/shared-servers.ts';
import { newId } from '../../src/domain/ids.ts';
import { NOTHING_UNREAD } from '../../src/domain/receipt.ts';
import { type Database, openDatabase } from '../../src/store/plumbing/database.ts';
import { claimNextRun } from '../../src/store/runs/claim-run.ts';
import { clearHistory, KEPT_RUNS } from '../../src/store/runs/clear-history.ts';
import { finishRun } from '../../src/store/runs/finish-run.ts';
import { recordPlan } from '../../src/store/runs/record-plan.ts';
import { startRun } from '../../src/store/runs/start-run.ts';

const DAY = 24 * 3_600_000;
const NOW = new Date('2026-06-01T12:00:00.000Z');
const daysAgo = (days: number) => new Date(NOW.getTime() - days * DAY);

let database: Database;
let tenantId: string;

beforeAll(async () => {
  database = await openDatabase({ url: await postgres.createDatabase(), dataDir: '' });
});

afterAll(() => database?.close());

beforeEach(async () => {
  await database.prisma.tenant.deleteMany();
  tenantId = newId();
});

async function syncOnce(accountId: string, at: Date): Promise<string> {
  await startRun(database.pool, tenantId, accountId, 'INCREMENTAL', 'SCHEDULE', at);
  const { run, lease } = (await claimNextRun(database.pool, at))!;
  await recordPlan(database.pool, lease, 'INBOX', 'FIRST_SYNC');
  const receipt = { complete: true, mailboxes: [], unread: NOTHING_UNREAD };
  await finishRun(database.pool, lease, { status: 'SUCCEEDED', receipt }, at);
  return run.id;
}

/** Copies a run, each a minute earlier. */
const multiply = (runId: string, times: number) =>
  database.pool.query(
    `INSERT INTO sync_run (id, account_id, mode, trigger, status, phase, requested_at, started_at, finished_at, sequence)
     SELECT gen_random_uuid(), account_id, mode, trigger, status, phase, requested_at - i * interval '1 minute',
       started_at - i * interval '1 minute', finished_at - i * interval '1 minute', -i
     FROM sync_run, generate_series(1, $2) i WHERE id = $1`,
    [runId, times],
  );

async function clearAll(days: number): Promise<number> {
  let runs = 0;
  for (let after: string | null = null, done = false; !done; ) {
    const cleared = await clearHistory(database.pool, { days, after, at: NOW });
    runs += cleared.runs;
    ({ after, done } = cleared);
  }
  return runs;
}

const runsOf = async (accountId: string) =>
  (await database.prisma.syncRun.findMany({ where: { accountId }, orderBy: { requestedAt: 'desc' } })).map(
    ({ id }) => id,
  );

test('deletes older runs except the last of each account, and nothing else', async () => {
  const [often, seldom, other] = (await insertTestAccounts(database, tenantId, { count: 3 })) as [
    string,
    string,
    string,
  ];
  const old: string[] = [];
  for (let i = 0; i < KEPT_RUNS + 5; i += 1) old.push(await syncOnce(often, daysAgo(60 - i / 100)));
  const recent: string[] = [];
  for (let i = 0; i < KEPT_RUNS + 5; i += 1) recent.push(await syncOnce(often, daysAgo(29 - i / 100)));
  const few = [await syncOnce(seldom, daysAgo(300)), await syncOnce(seldom, daysAgo(200))];
  for (let i = 0; i < KEPT_RUNS + 5; i += 1) await syncOnce(other, daysAgo(90 - i / 100));
  const accounts = () => database.prisma.emailAccount.findMany({ orderBy: { id: 'asc' } });
  const [before, events] = [await accounts(), await database.prisma.event.count()];

  expect(await clearAll(30)).toBe(old.length + 5);
  expect(await runsOf(often)).toEqual(recent.toReversed());
  expect(await runsOf(seldom)).toEqual(few.toReversed());
  expect(await runsOf(other)).toHaveLength(KEPT_RUNS);
  expect(await accounts()).toEqual(before);
  expect(before.find(({ id }) => id === often)).toMatchObject({ syncCount: old.length + recent.length });
  expect(await database.prisma.event.count()).toBe(events);
  // Their receipts and plans are deleted with them.
  const left = await database.prisma.syncRun.count();
  expect(await database.prisma.syncReceipt.count()).toBe(left);
  expect(await database.prisma.syncRunMailbox.count()).toBe(left);
  expect(await clearAll(30)).toBe(0);

  // The frames of an account keep their numbering, even if all of its runs were old.
  const last = await database.prisma.syncRun.findUniqueOrThrow({ where: { id: few[1]! } });
  const { run } = await startRun(database.pool, tenantId, seldom, 'INCREMENTAL', 'USER', NOW);
  expect(run.sequence).toBeGreaterThan(last.sequence);
});

test('keeps a running run, however long ago it began', async () => {
  const [id] = (await insertTestAccounts(database, tenantId, { count: 1 })) as [string];
  for (let i = 0; i < KEPT_RUNS; i += 1) await syncOnce(id, daysAgo(60 - i / 100));
  const { run } = await startRun(database.pool, tenantId, id, 'INCREMENTAL', 'USER', daysAgo(50));
  expect(await clearAll(30)).toBe(1);
  expect(await runsOf(id)).toContain(run.id);
});

test('deletes in batches over many accounts', async () => {
  const ids = await insertTestAccounts(database, tenantId, { count: 230 });
  const busy = [ids[0]!, ids[229]!];
  for (const id of busy) await multiply(await syncOnce(id, daysAgo(60)), 1200);
  const first = await clearHistory(database.pool, { days: 30, after: null, at: NOW });
  expect(first.runs).toBe(500);
  expect(first.runs + (await clearAll(30))).toBe(2 * (1201 - KEPT_RUNS));
  for (const id of busy) expect(await runsOf(id)).toHaveLength(KEPT_RUNS);
});
