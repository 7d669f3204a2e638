import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import type { Pool } from 'pg';
import { startPostgres } from '../lab/servers/postgres.ts';
import { openDatabase } from '../src/store/plumbing/database.ts';
import { claimNextRun, claimRun } from '../src/store/runs/claim-run.ts';
import { finishRun } from '../src/store/runs/finish-run.ts';
import { installationFigures } from '../src/store/runs/installation-figures.ts';
import { queuePosition } from '../src/store/runs/queue-position.ts';
import { queueDueRetries, requeueDeadRuns } from '../src/store/runs/requeue-runs.ts';
import { startDueRuns } from '../src/store/runs/start-due-runs.ts';
import { fillAccounts } from './simulated-accounts.ts';

/**
 * Simulates the scheduler and the queue with a million accounts: the service's own statements on a private PostgreSQL,
 * with a simulated clock. A second of the schedule is one tick. If the statements of a tick take longer than a second,
 * the next tick is delayed by the difference, as it would be. Workers are ideal: all queued runs end before the next
 * tick, so that only the schedule is measured. Then the queue grows, and claims are measured by its length.
 *
 *   npm run simulate -- [--accounts 1000000] [--tenants 10000] [--interval 15] [--minutes 15] [--depths
 * 100,1000,10000,100000]
 *
 * PostgreSQL does not wait for the disk here (fsync off): the results are CPU time.
 */
const { values } = parseArgs({
  options: {
    accounts: { type: 'string', default: '1000000' },
    tenants: { type: 'string', default: '10000' },
    interval: { type: 'string', default: '15' },
    minutes: { type: 'string', default: '15' },
    depths: { type: 'string', default: '100,1000,10000,100000' },
  },
});
const [count, tenants, intervalMinutes, minutes] = [
  values.accounts,
  values.tenants,
  values.interval,
  values.minutes,
].map(Number) as [number, number, number, number];
const depths = values.depths.split(',').map(Number);
/** The batch size of the scheduler (src/jobs/maintenance/scheduler.ts). */
const BATCH = 200;
const SECOND = 1000;

await using postgres = await startPostgres();
const database = await openDatabase({ url: await postgres.createDatabase(), dataDir: '' });
const { pool } = database;
console.log(
  `${new Date().toISOString().slice(0, 10)}, ${cpus().length} x ${cpus()[0]?.model}, Node ${process.version}`,
);
console.log(`${count} accounts of ${tenants} tenants, every ${intervalMinutes} minutes; filling ...`);
const now = new Date();
const due = await fillAccounts(pool, { count, tenants, intervalMinutes, now });
await printSizes();

console.log(`\n## The schedule, ${minutes} minutes of it`);
const start = now.getTime() + SECOND;
const lags: number[] = [];
const batchMs: number[] = [];
const perSecond: number[] = [];
let clock = start;
while (clock < start + minutes * 60 * SECOND) {
  const began = performance.now();
  let started = 0;
  for (;;) {
    const batchBegan = performance.now();
    const at = new Date(clock + (batchBegan - began));
    const batch = await startDueRuns(pool, { intervalMinutes, limit: BATCH, at });
    batchMs.push(performance.now() - batchBegan);
    started += batch.started.length;
    for (const { accountId } of batch.started) {
      const dueAt = due.get(accountId);
      if (dueAt !== undefined) lags.push((at.getTime() - dueAt) / SECOND);
      // Only an account's row has its next time.
      due.delete(accountId);
    }
    if (batch.due < BATCH) break;
  }
  const took = performance.now() - began;
  perSecond.push(started);
  await endAll();
  clock += Math.max(SECOND, took);
}
const total = perSecond.reduce((sum, one) => sum + one, 0);
const busyMs = batchMs.reduce((sum, one) => sum + one, 0);
print('runs started', `${total}, ${(total / perSecond.length).toFixed(0)} a tick`);
print('runs a tick, percentiles', percentiles(perSecond, 0));
print('lag behind the due time, s', percentiles(lags, 2));
print(`startDueRuns of ${BATCH}, ms`, percentiles(batchMs, 1));
print('the same, of each run, ms', (busyMs / total).toFixed(3));
print('busy for', `${((100 * busyMs) / (minutes * 60 * SECOND)).toFixed(1)} % of the time`);
console.log('\nruns started in each minute');
histogram(perMinute(perSecond));

console.log('\n## After an hour without a scheduler');
await pool.query(`UPDATE email_account SET next_sync_at = next_sync_at - interval '1 hour'`);
await pool.query('VACUUM (ANALYZE) email_account');
const catchUpBegan = performance.now();
const resumed = new Date(clock);
while ((await startDueRuns(pool, { intervalMinutes, limit: BATCH, at: resumed })).due === BATCH);
const catchUpMs = performance.now() - catchUpBegan;
print(
  'all are due; queueing them takes, s',
  `${(catchUpMs / SECOND).toFixed(0)} (${((count / catchUpMs) * SECOND).toFixed(0)} a second)`,
);
console.log('\nwhen they are due again, by minute from then');
const spread = await pool.query<{ minute: number; accounts: number }>(
  `SELECT floor(extract(epoch FROM next_sync_at - $1) / 60)::int AS minute, count(*)::int AS accounts
   FROM email_account GROUP BY 1 ORDER BY 1`,
  [resumed],
);
histogram(new Map(spread.rows.map(({ minute, accounts }) => [minute, accounts])));
print('installation figures for /metrics at this depth, ms', await timed(5, () => installationFigures(pool, resumed)));
await endAll();

console.log('\n## The queue, by its depth');
console.log(
  '| queued | claim by turn, ms: median, 95 % | claim by name, ms | finish, ms | place in the queue, ms | recovery look, ms |',
);
console.log('| --- | --- | --- | --- | --- | --- |');
for (const depth of depths.filter((one) => one <= count)) {
  await fillQueue(pool, depth);
  const [claims, finishes]: [number[], number[]] = [[], []];
  const samples = depth > 10_000 ? 10 : 50;
  for (let i = 0; i < samples; i += 1) {
    const began = performance.now();
    const claimed = await claimNextRun(pool);
    claims.push(performance.now() - began);
    const finishBegan = performance.now();
    await finishRun(pool, claimed!.lease, { status: 'SUCCEEDED' });
    finishes.push(performance.now() - finishBegan);
  }
  const { rows } = await pool.query<{ id: string }>(`SELECT id FROM sync_run WHERE status = 'QUEUED' LIMIT 51`);
  const named: number[] = [];
  for (const { id } of rows.slice(1)) {
    const began = performance.now();
    const claimed = await claimRun(pool, id);
    named.push(performance.now() - began);
    if (claimed && 'lease' in claimed) await finishRun(pool, claimed.lease, { status: 'SUCCEEDED' });
  }
  const place = await timed(5, () => queuePosition(pool, rows[0]!.id));
  const look = await timed(5, async () => {
    await requeueDeadRuns(pool, false);
    await queueDueRetries(pool);
  });
  console.log(
    `| ${depth} | ${at(claims, 0.5, 2)}, ${at(claims, 0.95, 2)} | ${at(named, 0.5, 2)} | ${at(finishes, 0.5, 2)} | ${place} | ${look} |`,
  );
  await endAll();
}
await database.close();

/** Acts as ideal workers on a queue: every run ends. */
async function endAll(): Promise<void> {
  await pool.query(
    `UPDATE sync_run SET status = 'SUCCEEDED', phase = 'DONE', finished_at = queued_at WHERE status IN ('QUEUED', 'RUNNING')`,
  );
}

async function fillQueue(db: Pool, depth: number): Promise<void> {
  await db.query(
    `INSERT INTO sync_run (id, account_id, mode, trigger, queued_at, requested_at)
     SELECT gen_random_uuid(), id, 'INCREMENTAL', 'SCHEDULE', now(), now()
     FROM (SELECT id FROM email_account ORDER BY random() LIMIT $1) picked`,
    [depth],
  );
  await db.query('VACUUM (ANALYZE) sync_run');
}

async function printSizes(): Promise<void> {
  const { rows } = await pool.query<{ name: string; bytes: string }>(
    `SELECT relname AS name, pg_total_relation_size(oid) AS bytes FROM pg_class
     WHERE relname IN ('email_account', 'sync_run')`,
  );
  for (const { name, bytes } of rows)
    print(`${name}, bytes a row with its indexes`, (Number(bytes) / count).toFixed(0));
}

async function timed(times: number, work: () => Promise<unknown>): Promise<string> {
  const taken: number[] = [];
  for (let i = 0; i < times; i += 1) {
    const began = performance.now();
    await work();
    taken.push(performance.now() - began);
  }
  return at(taken, 0.5, 2);
}

function perMinute(ticks: readonly number[]): Map<number, number> {
  const minutes = new Map<number, number>();
  for (const [second, started] of ticks.entries()) {
    const minute = Math.floor(second / 60);
    minutes.set(minute, (minutes.get(minute) ?? 0) + started);
  }
  return minutes;
}

function histogram(bars: ReadonlyMap<number, number>): void {
  const most = Math.max(...bars.values());
  for (const [name, value] of bars) {
    console.log(
      `${String(name).padStart(4)}  ${String(value).padStart(8)}  ${'#'.repeat(Math.round((50 * value) / most))}`,
    );
  }
}

function at(numbers: readonly number[], share: number, digits: number): string {
  const sorted = numbers.toSorted((a, b) => a - b);
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN).toFixed(digits);
}

function percentiles(numbers: readonly number[], digits: number): string {
  const shares = [0.5, 0.95, 0.99, 1] as const;
  return shares.map((share) => `${share === 1 ? 'most' : `p${share * 100}`} ${at(numbers, share, digits)}`).join(', ');
}

function print(what: string, value: string): void {
  console.log(`${what.padEnd(52)} ${value}`);
}
