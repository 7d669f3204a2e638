import fc from 'fast-check';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { insertTestAccounts } from '../../lab/assertions/stored-account.ts';
import { postgres } from '../../lab/servers/shared-servers.ts';
import { newId } from '../../src/domain/ids.ts';
import { SYNC_RUN_TRANSITIONS, type SyncRunStatus } from '../../src/domain/sync-run.ts';
import { type ErrorCode, MailtideError } from '../../src/errors.ts';
import type { EmailAccount, Event, SyncRun } from '../../src/generated/prisma/client.ts';
import { reactionTo } from '../../src/jobs/attempt/retry-policy.ts';
import { changeAccount } from '../../src/store/accounts/change-account.ts';
import { type Database, openDatabase } from '../../src/store/plumbing/database.ts';
import { inTransaction } from '../../src/store/plumbing/sql.ts';
import { claimNextRun, extendLease, LEASE_SECONDS } from '../../src/store/runs/claim-run.ts';
import { cancelRun, failLostRuns, finishRun } from '../../src/store/runs/finish-run.ts';
import type { Lease } from '../../src/store/runs/lease.ts';
import { postponeRun } from '../../src/store/runs/postpone-run.ts';
import { preempt } from '../../src/store/runs/preempt.ts';
import { recordProgressNow } from '../../src/store/runs/record-progress.ts';
import { giveBackRun, queueDueRetries, requeueDeadRuns } from '../../src/store/runs/requeue-runs.ts';
import { startDueRuns } from '../../src/store/runs/start-due-runs.ts';
import { startRun } from '../../src/store/runs/start-run.ts';
import { verifyChain } from '../../src/timeline/verify.ts';

/**
 * The state machine of SyncRun (src/domain/sync-run.ts), driven by random commands from all actors: users, the
 * schedule, workers that live, die and return after their death, and a clock that jumps. After each command, the
 * invariants are checked in the rows.
 */
vi.setConfig({ testTimeout: 300_000 });
const RETRY = { maxRetries: 2, baseSeconds: 60 };
const ACCOUNTS = 2;
const MINUTE = 60_000;
const MOST_LOSSES = 2;
/** How many runs of all worlds failed because they had lost their workers too often. */
let endedAsLost = 0;

let database: Database;

beforeAll(async () => {
  database = await openDatabase({ url: await postgres.createDatabase(), dataDir: '' });
});

afterAll(() => database?.close());

type Rows = { runs: Map<string, SyncRun>; accounts: Map<string, EmailAccount>; events: Event[] };

/** One world: the accounts of a tenant, and everyone who has ever held a lease. */
class World {
  readonly tenantId = newId();
  accounts: string[] = [];
  now = new Date(Date.UTC(2026, 0, 2));
  /** Includes workers that have lost it without noticing. */
  leases: Lease[] = [];
  rows: Rows = { runs: new Map(), accounts: new Map(), events: [] };

  async begin(): Promise<void> {
    this.accounts = await insertTestAccounts(database, this.tenantId, { count: ACCOUNTS, nextSyncAt: this.now });
    this.rows = await this.read();
  }

  async read(): Promise<Rows> {
    const { prisma } = database;
    const ofTenant = { account: { tenantId: this.tenantId } };
    const runs = await prisma.syncRun.findMany({ where: ofTenant, orderBy: { requestedAt: 'asc' } });
    const accounts = await prisma.emailAccount.findMany({ where: { tenantId: this.tenantId } });
    const events = await prisma.event.findMany({ where: ofTenant, orderBy: { seq: 'asc' } });
    return {
      runs: new Map(runs.map((run) => [run.id, run])),
      accounts: new Map(accounts.map((account) => [account.id, account])),
      events,
    };
  }

  activeRun(account: string): SyncRun | undefined {
    return [...this.rows.runs.values()].find((run) => run.accountId === account && !run.finishedAt);
  }

  holds(lease: Lease): boolean {
    const run = this.rows.runs.get(lease.runId);
    return run?.status === 'RUNNING' && run.leaseToken === lease.token;
  }
}

/** Writes as the holder of a lease: succeeds if it is valid, is rejected if not. */
async function write(world: World, lease: Lease, work: () => Promise<unknown>): Promise<void> {
  const held = world.holds(lease);
  const outcome = await work().then(
    () => 'written',
    (error: MailtideError) => error.code,
  );
  expect(outcome).toBe(held ? 'written' : 'LEASE_LOST');
}

const FAILURES: ErrorCode[] = [
  'IMAP_TIMEOUT',
  'IMAP_CONNECTION_LOST',
  'IMAP_THROTTLED',
  'IMAP_TLS_FAILED',
  'IMAP_AUTH_FAILED',
];

/** The commands. `n` chooses their target. */
const COMMANDS: Record<string, (world: World, n: number) => Promise<unknown>> = {
  async start(world, n) {
    const account = world.accounts[n % ACCOUNTS]!;
    const { isActive, needsAuthSince } = world.rows.accounts.get(account)!;
    const active = world.activeRun(account);
    const asked = startRun(database.pool, world.tenantId, account, 'INCREMENTAL', 'USER', world.now);
    if (active) expect(await asked).toMatchObject({ alreadyActive: true, run: { id: active.id } });
    else if (!isActive) await expect(asked).rejects.toMatchObject({ code: 'ACCOUNT_PAUSED' });
    else if (needsAuthSince) await expect(asked).rejects.toMatchObject({ code: 'ACCOUNT_NEEDS_AUTH' });
    else expect(await asked).toMatchObject({ alreadyActive: false, run: { status: 'QUEUED', attempt: 1 } });
  },
  tick: (world) => startDueRuns(database.pool, { intervalMinutes: 15, limit: 2, at: world.now }),
  async claim(world) {
    const claimed = await claimNextRun(database.pool, world.now);
    if (!claimed) return;
    const account = world.rows.accounts.get(claimed.run.accountId)!;
    expect(account.throttledUntil?.getTime() ?? 0).toBeLessThanOrEqual(world.now.getTime());
    expect(account).toMatchObject({ isActive: true, needsAuthSince: null });
    world.leases.push(claimed.lease);
  },
  recover,
  retries: (world) => queueDueRetries(database.pool, world.now),
  async cancel(world, n) {
    const runs = [...world.rows.runs.keys()];
    if (runs.length > 0) await cancelRun(database.pool, world.tenantId, runs[n % runs.length]!, world.now);
  },
  pause: (world, n) => change(world, n, { isActive: false }),
  resume: (world, n) => change(world, n, { isActive: true }),
  newLogin: (world, n) => change(world, n, { login: { credentials: 'new' } }),
  /** All running workers die, and recovery notices. */
  async die(world) {
    world.now = new Date(world.now.getTime() + (LEASE_SECONDS + 1) * 1000);
    await recover(world);
  },
  async startAfresh(world, n) {
    const active = world.activeRun(world.accounts[n % ACCOUNTS]!);
    if (!active) return;
    await cancelRun(database.pool, world.tenantId, active.id, world.now);
    await startRun(database.pool, world.tenantId, active.accountId, 'FULL', 'USER', world.now);
  },
  async later(world, n) {
    world.now = new Date(world.now.getTime() + [1, 30, 90, 1000, 5000][n % 5]! * 1000);
  },
  async clockSetBack(world, n) {
    world.now = new Date(world.now.getTime() - [1, 60, 3600][n % 3]! * 1000);
  },
  progress: byWorker((world, lease) =>
    write(world, lease, () =>
      recordProgressNow(database.pool, lease, { phase: 'FETCHING', remaining: 5, add: { messagesProcessed: 1 } }),
    ),
  ),
  heartbeat: byWorker(async (world, lease) => {
    expect(await extendLease(database.pool, lease, world.now)).toBe(world.holds(lease));
  }),
  succeed: byWorker((world, lease) =>
    write(world, lease, () => finishRun(database.pool, lease, { status: 'SUCCEEDED' }, world.now)),
  ),
  fail: byWorker((world, lease, n) => write(world, lease, () => fail(world, lease, n))),
  giveBack: byWorker(async (world, lease, n) => {
    const given = await giveBackRun(database.pool, lease, n % 2 === 0, world.now);
    expect(given !== null).toBe(world.holds(lease));
  }),
  preempt: byWorker(async (world, lease, n) => {
    const given = await preempt(database.pool, lease, n % 2 === 0, world.now);
    expect(given !== null).toBe(world.holds(lease));
  }),
};

/** As recovery.ts: fails runs that were lost too often, and queues the other lost ones again. */
async function recover(world: World): Promise<void> {
  for (const run of await failLostRuns(database.pool, { all: false, limit: MOST_LOSSES }, world.now)) {
    const was = world.rows.runs.get(run.id)!;
    expect(was).toMatchObject({ status: 'RUNNING', losses: MOST_LOSSES });
    expect(was.leaseExpiresAt!.getTime()).toBeLessThan(world.now.getTime());
    expect(run).toMatchObject({ status: 'FAILED', errorCode: 'SYNC_WORKER_LOST' });
    endedAsLost += 1;
  }
  for (const { losses } of await requeueDeadRuns(database.pool, false, world.now)) {
    expect(losses).toBeLessThanOrEqual(MOST_LOSSES);
  }
}

/** One of the last workers with a lease acts: it may hold it, or have lost it without noticing. */
function byWorker(act: (world: World, lease: Lease, n: number) => Promise<unknown>) {
  return async (world: World, n: number) => {
    const lease = world.leases.at(-1 - (n % 3));
    if (lease) await act(world, lease, n);
  };
}

async function fail(world: World, lease: Lease, n: number): Promise<unknown> {
  const error = new MailtideError(FAILURES[n % FAILURES.length]!);
  const run = world.rows.runs.get(lease.runId)!;
  const facts = { retries: run.retries, madeHeadway: n % 3 === 0, hasSynced: n % 2 === 0 };
  const reaction = reactionTo(error, facts, RETRY, (n % 10) / 10);
  const { code, message } = error;
  return reaction.kind === 'retry'
    ? postponeRun(database.pool, lease, { ...reaction, error: { code, message } }, world.now)
    : finishRun(database.pool, lease, { status: 'FAILED', error: { code, message }, ...reaction }, world.now);
}

/** As the account commands: pausing an account or changing its login ends its sync. */
async function change(world: World, n: number, what: Parameters<typeof changeAccount>[2]): Promise<void> {
  const id = world.accounts[n % ACCOUNTS]!;
  const { endsSync } = await inTransaction(database.pool, (tx) =>
    changeAccount(tx, { tenantId: world.tenantId, id }, what, 15),
  );
  const active = world.activeRun(id);
  if (endsSync && active) await cancelRun(database.pool, world.tenantId, active.id, world.now);
}

/** The invariants of the rows, and between the rows before and after a command. */
function check(before: Rows, after: Rows): void {
  for (const run of after.runs.values()) {
    checkShape(run);
    const was = before.runs.get(run.id);
    if (was) checkChange(was, run);
    else expect(run).toMatchObject({ status: 'QUEUED', attempt: 1, retries: 0, messagesProcessed: 0 });
  }
  for (const account of after.accounts.values()) checkAccount(account, after);
}

function checkShape(run: SyncRun): void {
  const finished = SYNC_RUN_TRANSITIONS[run.status].length === 0;
  expect(run.finishedAt !== null).toBe(finished);
  expect(run.phase === 'DONE').toBe(finished);
  expect(run.leaseToken !== null).toBe(run.status === 'RUNNING');
  expect(run.leaseExpiresAt !== null).toBe(run.status === 'RUNNING');
  expect(run.nextAttemptAt !== null).toBe(run.status === 'WAITING_RETRY');
  expect(run.retries).toBeLessThanOrEqual(RETRY.maxRetries);
  if (run.status === 'WAITING_RETRY' || run.status === 'FAILED') expect(run.errorCode).not.toBeNull();
  if (run.status === 'SUCCEEDED' || run.status === 'CANCELLED') expect(run.errorCode).toBeNull();
}

function checkChange(was: SyncRun, run: SyncRun): void {
  if (run.status !== was.status) {
    expect(SYNC_RUN_TRANSITIONS[was.status] as readonly SyncRunStatus[]).toContain(run.status);
    expect(run.sequence).toBeGreaterThan(was.sequence);
  }
  const isBack = run.status === 'QUEUED' && was.status !== 'QUEUED';
  const gaveWay = isBack && run.attempt === was.attempt;
  if (!gaveWay) expect(run.attempt - was.attempt).toBe(isBack ? 1 : 0);
  if (gaveWay) {
    const { retries, losses, queuedAt, percent } = was;
    expect(was.status).toBe('RUNNING');
    expect(run).toMatchObject({ retries, losses, queuedAt, percent, errorCode: null });
    expect(run.turnMs).toBeGreaterThanOrEqual(Math.min(2 * was.turnMs, 32_000));
  }
  expect(run.messagesProcessed).toBeGreaterThanOrEqual(was.messagesProcessed);
  expect(run.percent).toBeGreaterThanOrEqual(was.percent);
  if (was.finishedAt) expect(run).toEqual(was);
  checkLosses(was, run, isBack);
}

/** A loss is counted when the run returns from a dead worker, and progress resets the count. */
function checkLosses(was: SyncRun, run: SyncRun, isBack: boolean): void {
  if (run.messagesProcessed > was.messagesProcessed) expect(run.losses).toBe(0);
  else if (run.losses !== was.losses) expect([isBack, run.losses - was.losses]).toEqual([true, 1]);
  if (run.errorCode === 'SYNC_WORKER_LOST') expect(run).toMatchObject({ status: 'FAILED', losses: MOST_LOSSES });
}

function checkAccount(account: EmailAccount, { runs, events }: Rows): void {
  const own = [...runs.values()].filter((run) => run.accountId === account.id);
  const active = own.filter((run) => !run.finishedAt);
  expect(active.length).toBeLessThanOrEqual(1);
  // In the order in which they started, whatever the clock showed: the active run is the newest, and frame numbers
  // increase from run to run.
  if (active.length > 0) expect(own.at(-1)).toBe(active[0]);
  for (const [i, run] of own.entries()) if (i > 0) expect(run.sequence).toBeGreaterThan(own[i - 1]!.sequence);
  if (!account.isActive || account.needsAuthSince) expect(active).toEqual([]);

  const finished = own.filter((run) => run.finishedAt);
  const last = finished.at(-1);
  expect(account.syncCount).toBe(finished.length);
  expect(account.lastSyncStatus).toBe(last?.status ?? null);
  expect(account.lastSyncAt).toEqual(last?.finishedAt ?? null);
  expect(account.lastSyncErrorCode).toBe(last?.errorCode ?? null);
  expect(account.nextSyncAt !== null).toBe(account.isActive && !account.needsAuthSince);

  const closing = events.filter(({ accountId, type }) => accountId === account.id && type.startsWith('sync_'));
  expect(closing.map(({ payload }) => (payload as { runId: string }).runId)).toEqual(finished.map(({ id }) => id));
  expect(closing.map(({ type }) => type)).toEqual(finished.map(({ status }) => `sync_${status.toLowerCase()}`));
}

/** Everyone works again and nothing fails: no run is lost or duplicated. */
async function settle(world: World): Promise<void> {
  for (let round = 0; round < 10; round += 1) {
    // The longest pause that a provider gets.
    world.now = new Date(world.now.getTime() + 25 * 60 * MINUTE + LEASE_SECONDS * 1000);
    await recover(world);
    world.rows = await world.read();
    await queueDueRetries(database.pool, world.now);
    for (;;) {
      const claimed = await claimNextRun(database.pool, world.now);
      if (!claimed) break;
      await finishRun(database.pool, claimed.lease, { status: 'SUCCEEDED' }, world.now);
    }
  }
  const { runs, accounts, events } = await world.read();
  for (const run of runs.values()) expect(run.finishedAt, run.status).not.toBeNull();
  for (const { id, eventSeq, eventHash } of accounts.values()) {
    const own = events.filter(({ accountId }) => accountId === id);
    expect(await verifyChain(id, own, { seq: eventSeq, hash: eventHash })).toMatchObject({ ok: true });
  }
}

/** What random commands rarely reach: a run that loses its workers until it fails. Always tried first. */
const LOST_TOO_OFTEN: [string, number][] = [
  ['start', 0],
  ...Array.from({ length: MOST_LOSSES + 1 }, (): [string, number][] => [
    ['claim', 0],
    ['die', 0],
  ]).flat(),
];

test('a run, any commands in any order, keeps every invariant', async () => {
  const command = fc.tuple(
    fc.oneof(
      { arbitrary: fc.constantFrom(...Object.keys(COMMANDS)), weight: 1 },
      // Commands that bring a run far, so that there is something to disturb.
      {
        arbitrary: fc.constantFrom(
          'start',
          'claim',
          'claim',
          'die',
          'startAfresh',
          'retries',
          'fail',
          'giveBack',
          'preempt',
        ),
        weight: 1,
      },
    ),
    fc.nat(1000),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 20, maxLength: 80, size: 'max' }), async (commands) => {
      const world = new World();
      try {
        await world.begin();
        for (const [name, n] of commands) {
          await COMMANDS[name]!(world, n);
          const after = await world.read();
          check(world.rows, after);
          world.rows = after;
        }
        await settle(world);
      } finally {
        await database.prisma.tenant.delete({ where: { id: world.tenantId } });
      }
    }),
    { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 100), examples: [[LOST_TOO_OFTEN]] },
  );
  expect(endedAsLost, 'runs that lost their workers too often').toBeGreaterThan(0);
});
