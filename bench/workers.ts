import { parseArgs } from 'node:util';
import { Client } from 'pg';
import pino from 'pino';
import { mails } from '../lab/mail/mails.ts';
import { startDovecot } from '../lab/servers/dovecot.ts';
import { startPostgres } from '../lab/servers/postgres.ts';
import { startRedis } from '../lab/servers/redis.ts';
import { type Cluster, cluster } from '../lab/service/cluster.ts';
import type { Service } from '../lab/service/service.ts';
import { connectAccount, startSync, syncRun } from '../lab/service/sync.ts';
import { waitFor } from '../lab/wait.ts';
import { progressOf } from '../src/domain/progress.ts';
import { createRedisBuses } from '../src/live/redis-bus.ts';
import { openRedis } from '../src/redis.ts';
import { openSlowLine } from './slow-line.ts';

/**
 * Measures the gain from more workers, the cost of a message, and the latency of frames to subscribers. All processes
 * of an installation run on this machine, beside their PostgreSQL, Redis and Dovecot, which is 50 ms away.
 *
 *   npm run bench:workers -- [--accounts 128] [--rounds 3] [--places 2] [--subscriptions 1000]
 */
const { values } = parseArgs({
  options: {
    accounts: { type: 'string', default: '128' },
    rounds: { type: 'string', default: '3' },
    places: { type: 'string', default: '2' },
    subscriptions: { type: 'string', default: '1000' },
  },
});
const [accounts, rounds, subscriptions] = [values.accounts, values.rounds, values.subscriptions].map(Number) as [
  number,
  number,
  number,
];
const AWAY_MS = 50;
const WORKERS = [1, 2, 4];
const FRAMES = 2000;
/** Above the numbers of all real frames. */
const FIRST = 1_000_000n;
const FRAMES_PER_SECOND = 100;

await using dovecot = await startDovecot({ maxConnections: 200 });
await using postgres = await startPostgres();
await using redis = await startRedis();
await using line = await openSlowLine(dovecot, AWAY_MS);
const databaseUrl = await postgres.createDatabase();
await using nodes = cluster({ databaseUrl, redisUrl: redis.url });
const sql = new Client({ connectionString: databaseUrl });
const api = await nodes.api({ LOG_LEVEL: 'error' });
await sql.connect();

const ids: string[] = [];
for (let i = 0; i < accounts; i += 1) {
  dovecot.addUser(`away-${i}`, { INBOX: mails(0, 10), Archive: mails(10, 20) });
  ids.push(await connectAccount(api, { ...dovecot, port: line.port }, `away-${i}`, { verify: false }));
}
await throughput();
await overhead(api, ids[0]!);
await latency(nodes, api);
await sql.end();

/** Runs without changes, of all accounts at once, by 1, 2 and 4 workers alternately. */
async function throughput(): Promise<void> {
  await all(4);
  const taken = new Map<number, number[]>(WORKERS.map((count) => [count, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const count of WORKERS) taken.get(count)!.push(await all(count));
  }
  const one = median(taken.get(1)!);
  for (const [count, seconds] of taken) {
    const ratio = one / median(seconds);
    console.log(
      `${count} worker(s): ${(accounts / median(seconds)).toFixed(1)} runs/s, ${ratio.toFixed(2)} times one worker; rounds of ${seconds.map((s) => s.toFixed(1)).join(', ')} s`,
    );
  }
}

/** Seconds from the first start to the last end, by the rows. */
async function all(count: number): Promise<number> {
  const workers = Array.from({ length: count }, () =>
    nodes.worker({ SYNC_CONCURRENCY: values.places, LOG_LEVEL: 'error' }),
  );
  await seen(count);
  const since = (await sql.query<{ now: Date }>('SELECT now()')).rows[0]!.now;
  await api.data('mutation { startAllEmailSyncs { run { id } } }');
  const row = await waitFor(
    async () => {
      const { rows } = await sql.query<{ ended: number; failed: number; seconds: number }>(
        `SELECT count(finished_at)::int AS ended, count(*) FILTER (WHERE status = 'FAILED')::int AS failed,
           extract(epoch FROM max(finished_at) - min(requested_at))::float8 AS seconds
         FROM sync_run WHERE requested_at > $1`,
        [since],
      );
      return rows[0]!.ended === accounts && rows[0]!;
    },
    { what: 'all runs', timeoutMs: 300_000 },
  );
  if (row.failed > 0) throw new Error(`${row.failed} runs failed`);
  for (const worker of workers) worker.kill('SIGTERM');
  await Promise.all(workers.map(({ ended }) => ended));
  await seen(0);
  return row.seconds;
}

/** Waits until the queue knows that many workers. */
async function seen(count: number): Promise<void> {
  await waitFor(
    async () => {
      const answer = await fetch(`${api.url}/queues/api/queues/syncs/workers`, {
        headers: { authorization: `Bearer ${nodes.adminKey}` },
      });
      return ((await answer.json()) as { workers: unknown[] }).workers.length === count;
    },
    { what: `${count} workers`, timeoutMs: 60_000 },
  );
}

/** From a run's row to its claim by an idle worker: job, delivery and claim. */
async function overhead(service: Service, account: string): Promise<void> {
  const worker = nodes.worker({ LOG_LEVEL: 'error' });
  await seen(1);
  for (let i = 0; i < 100; i += 1) {
    const runId = await startSync(service, account);
    await waitFor(async () => (await syncRun(service, runId)).status === 'SUCCEEDED', { what: 'the run' });
  }
  const { rows } = await sql.query<{ ms: number }>(
    `SELECT extract(epoch FROM started_at - requested_at)::float8 * 1000 AS ms FROM sync_run
     ORDER BY requested_at DESC LIMIT 90`,
  );
  print(
    'from the row of a run to its claim, idle',
    rows.map(({ ms }) => ms),
  );
  worker.kill('SIGTERM');
  await worker.ended;
}

/** Publishes frames like a worker, to subscribers at two API nodes, each of which watches one of fifty accounts. */
async function latency(installation: Cluster, one: Service): Promise<void> {
  const two = await installation.api({ LOG_LEVEL: 'error' });
  const watched = ids.slice(0, 50);
  const sockets = Array.from({ length: Math.ceil(subscriptions / 10) }, (_, i) => (i % 2 ? one : two).webSocket());
  const taken: number[] = [];
  let began = 0;
  for (let i = 0; i < subscriptions; i += 1) {
    sockets[i % sockets.length]!.subscribe<{ syncProgress: { at: string; sequence: string } }>(
      { query: `subscription { syncProgress(accountId: "${watched[i % watched.length]}") { at sequence } }` },
      {
        next({ data }) {
          if (BigInt(data!.syncProgress.sequence) < FIRST) began += 1;
          else taken.push(Date.now() - Date.parse(data!.syncProgress.at));
        },
        error: (error) => console.error(error),
        complete() {},
      },
    );
  }
  await waitFor(() => began >= subscriptions, { what: 'the subscriptions', timeoutMs: 60_000 });
  const log = pino({ level: 'silent' });
  const link = openRedis(redis.url, installation.prefix, log);
  await waitFor(() => link.isReady, { what: 'Redis' });
  const buses = createRedisBuses(link, installation.prefix);
  const { rows } = await sql.query<{ tenant_id: string; row: string }>(
    `SELECT a.tenant_id, a.id AS row FROM email_account a ORDER BY created_at LIMIT ${watched.length}`,
  );
  const frame = progressOf(rows[0]!.tenant_id, await aRun());
  for (let i = 0; i < FRAMES; i += 1) {
    const { row: accountId, tenant_id: tenantId } = rows[i % rows.length]!;
    buses.progress.publish({ ...frame, tenantId, accountId, at: new Date(), sequence: FIRST + BigInt(i) });
    await new Promise((resolve) => setTimeout(resolve, 1000 / FRAMES_PER_SECOND));
  }
  const expected = (FRAMES * subscriptions) / watched.length;
  // Prints how many frames arrived: conflation is part of the result.
  await waitFor(() => taken.length >= expected, { what: 'all frames', timeoutMs: 30_000 }).catch((error: Error) =>
    console.error(error.message),
  );
  print(
    `worker to subscriber over Redis, ${subscriptions} subscriptions, ${taken.length} of ${expected} frames`,
    taken,
  );
  buses.close();
  link.close();
  for (const socket of sockets) await socket.dispose();
}

async function aRun() {
  const { openDatabase } = await import('../src/store/plumbing/database.ts');
  const database = await openDatabase({ url: databaseUrl, dataDir: '' });
  const run = await database.prisma.syncRun.findFirstOrThrow();
  await database.close();
  return run;
}

function print(what: string, milliseconds: number[]): void {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!.toFixed(1);
  console.log(`${what}, in ms: median ${at(0.5)}, 99th percentile ${at(0.99)}, ${sorted.length} times`);
}

function median(numbers: number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}
