import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { insertTestAccounts } from '../../lab/assertions/stored-account.ts';
import { postgres } from '../../lab/servers/shared-servers.ts';
import { newId } from '../../src/domain/ids.ts';
import { type Database, openDatabase } from '../../src/store/plumbing/database.ts';
import { type ClaimedRun, claimNextRun } from '../../src/store/runs/claim-run.ts';
import { finishRun } from '../../src/store/runs/finish-run.ts';
import { preempt, runsToPreempt } from '../../src/store/runs/preempt.ts';
import { startDueRuns } from '../../src/store/runs/start-due-runs.ts';

/**
 * Simulates the schedule, the queue and preemption over hours, on real rows but with a simulated clock. A worker is
 * only busy for as long as the sync takes.
 */
vi.setConfig({ testTimeout: 300_000 });
const NOON = Date.UTC(2026, 0, 2, 12);
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** The polling intervals of scheduler.ts and preemption.ts. */
const STEP_MS = 500;
const MANY = 5000;

let database: Database;

beforeAll(async () => {
  database = await openDatabase({ url: await postgres.createDatabase(), dataDir: '' });
});

afterAll(() => database?.close());

beforeEach(() => database.prisma.tenant.deleteMany());

/** A tenant with that many accounts, all due at once. */
async function tenantWith(count: number, due: number, intervalMinutes: number): Promise<string> {
  const tenantId = newId();
  const row = { nextSyncAt: new Date(due), syncIntervalMinutes: intervalMinutes };
  const [first] = await insertTestAccounts(database, tenantId, { count: 1, ...row });
  await database.pool.query(
    `INSERT INTO email_account (id, tenant_id, email_address, imap_host, imap_port, imap_security, imap_username,
       credentials, event_hash, next_sync_at, sync_interval_minutes, updated_at)
     SELECT gen_random_uuid(), tenant_id, i || email_address, imap_host, imap_port, imap_security, imap_username,
       credentials, event_hash, next_sync_at, sync_interval_minutes, updated_at
     FROM email_account, generate_series(2, $2) i WHERE id = $1`,
    [first, count],
  );
  return tenantId;
}

interface Busy {
  readonly claimed: ClaimedRun;
  readonly since: number;
}

/**
 * Simulates one worker with that many slots, and the schedule, for that long.
 * @returns the duration of each run of a tenant in milliseconds, from the time its account was due to its end.
 */
async function simulate(
  { places, forMs }: { places: number; forMs: number },
  syncMs: (tenantId: string) => number,
): Promise<Map<string, number[]>> {
  const running = new Set<Busy>();
  /** What is left to do of a preempted run, in milliseconds. */
  const left = new Map<string, number>();
  const dueAt = new Map<string, number>();
  const waits = new Map<string, number[]>();
  const { pool, prisma } = database;
  const endOf = ({ claimed: { run, lease }, since }: Busy) => since + (left.get(run.id) ?? syncMs(lease.tenantId));

  for (let now = NOON; now <= NOON + forMs; ) {
    const at = new Date(now);
    for (const busy of [...running].filter((one) => endOf(one) <= now)) {
      running.delete(busy);
      const { run, lease } = busy.claimed;
      await finishRun(pool, lease, { status: 'SUCCEEDED' }, at);
      waits.set(lease.tenantId, [...(waits.get(lease.tenantId) ?? []), now - dueAt.get(run.accountId)!]);
    }
    if (now % SECOND === 0) await tick(at);
    if (now % STEP_MS === 0 && running.size > 0) {
      const leaving = await runsToPreempt(pool, at);
      for (const busy of [...running].filter(({ claimed }) => leaving.includes(claimed.run.id))) {
        running.delete(busy);
        const { run, lease } = busy.claimed;
        left.set(run.id, endOf(busy) - now);
        await preempt(pool, lease, true, at);
      }
    }
    while (running.size < places) {
      const claimed = await claimNextRun(pool, at, places > 1 && running.size === places - 1);
      if (!claimed) break;
      running.add({ claimed, since: now });
    }
    now = Math.min(now - (now % STEP_MS) + STEP_MS, ...[...running].map(endOf));
  }
  return waits;

  async function tick(at: Date): Promise<void> {
    const due = await prisma.emailAccount.findMany({
      where: { nextSyncAt: { lte: at } },
      select: { id: true, nextSyncAt: true },
    });
    for (const { id, nextSyncAt } of due) dueAt.set(id, nextSyncAt!.getTime());
    while ((await startDueRuns(pool, { intervalMinutes: 15, limit: 1000, at })).due === 1000);
  }
}

/** The single account's sync takes 3 seconds, and it is due every minute. */
const SINGLE_MS = 3 * SECOND;
const DUE = NOON + 1.3 * SECOND;
const longest = (waits: readonly number[] = []) => Math.max(...waits);

test.each([
  { what: 'as short as its own', places: 1, manyMs: SINGLE_MS },
  { what: 'as short as its own', places: 4, manyMs: SINGLE_MS },
  { what: 'of hours', places: 1, manyMs: 3 * HOUR },
  { what: 'of hours', places: 4, manyMs: 3 * HOUR },
])(`${MANY} due accounts, syncs $what, $places slots: one waits twice as long at most`, async ({ places, manyMs }) => {
  const forMs = 3 * MINUTE;
  const alone = await tenantWith(1, DUE, 1);
  const usual = longest((await simulate({ places, forMs }, () => SINGLE_MS)).get(alone));
  await database.prisma.tenant.deleteMany();

  const many = await tenantWith(MANY, NOON, 15);
  const single = await tenantWith(1, DUE, 1);
  const waits = await simulate({ places, forMs }, (tenantId) => (tenantId === many ? manyMs : SINGLE_MS));
  expect(waits.get(single)!.length).toBeGreaterThanOrEqual(2);
  expect(longest(waits.get(single))).toBeLessThanOrEqual(2 * usual);
  // The single account does not take more than its share either.
  if (manyMs === SINGLE_MS) expect(waits.get(many)!.length).toBeGreaterThan((0.7 * places * forMs) / manyMs);
});

test('two tenants with endless imports share one slot in turns that are long enough', async () => {
  const tenants = [await tenantWith(1, NOON, 15), await tenantWith(1, NOON, 15)];
  await simulate({ places: 1, forMs: 10 * MINUTE }, () => HOUR);
  const runs = await database.prisma.syncRun.findMany();
  expect(runs).toHaveLength(tenants.length);
  for (const { turnMs } of runs) expect(turnMs).toBe(32 * SECOND);
});
