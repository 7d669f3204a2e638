import { createClient } from 'graphql-ws';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import WebSocket from 'ws';
import { expectConsistent } from '../../lab/assertions/consistent.ts';
import { withDatabase } from '../../lab/assertions/stored-truth.ts';
import { mails } from '../../lab/mail/mails.ts';
import { openTunnel } from '../../lab/proxies/tunnel.ts';
import { startPostgres } from '../../lab/servers/postgres.ts';
import { type RedisServer, startRedis } from '../../lab/servers/redis.ts';
import { dovecot, postgres } from '../../lab/servers/shared-servers.ts';
import { type Cluster, cluster } from '../../lab/service/cluster.ts';
import { finishedRun, startSync, syncRun } from '../../lab/service/sync.ts';
import { expectSteady, type Frame, lastFrame, progressOf, watchSocket } from '../../lab/service/watch.ts';
import { waitFor } from '../../lab/wait.ts';
import { inTheMiddle, mailbox, SIZE } from './mailbox.ts';

/** Failures of each part of an installation except Redis, on real processes. */
vi.setConfig({ testTimeout: 180_000 });
let redis: RedisServer;
let databaseUrl: string;
let nodes: Cluster;

beforeAll(async () => {
  redis = await startRedis();
});

afterAll(() => redis?.stop());

beforeEach(async () => {
  databaseUrl = await postgres.createDatabase();
  nodes = cluster({ databaseUrl, redisUrl: redis.url });
});

afterEach(() => nodes?.[Symbol.asyncDispose]());

test("a killed worker's run resumes on another worker within 30 seconds", async () => {
  const api = await nodes.api();
  const victim = nodes.worker();
  const one = await mailbox(api, 'killed-worker', SIZE);
  const runId = await startSync(api, one.account);
  const { messagesProcessed } = await inTheMiddle(api, runId);
  victim.kill('SIGKILL');
  const killed = performance.now();
  const rescuer = nodes.worker();
  const resumed = await waitFor(
    async () => {
      const run = await syncRun(api, runId);
      return run.attempt === 2 && run.status === 'RUNNING' && run;
    },
    { what: 'the take-over', timeoutMs: 30_000 },
  );
  expect(performance.now() - killed).toBeLessThan(30_000);
  expect(resumed.messagesProcessed).toBeGreaterThanOrEqual(messagesProcessed);
  expect(await finishedRun(api, runId)).toMatchObject({ status: 'SUCCEEDED', attempt: 2, messagesProcessed: SIZE });
  expect(rescuer.stdout()).toContain('resuming a run whose worker died');
  await expectConsistent({ service: api, databaseUrl, server: dovecot }, { ...one, runs: 1 });
});

test("a killed API node's subscribers reconnect elsewhere and miss no completion", async () => {
  const victim = await nodes.api();
  const other = await nodes.api();
  nodes.worker();
  const [one, quick] = [await mailbox(other, 'killed-api', SIZE), await mailbox(other, 'killed-api-quick', 5)];
  let at = victim.url;
  const client = createClient({
    url: () => `${at.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${nodes.apiKey}` },
    retryAttempts: 20,
    retryWait: () => new Promise((resolve) => setTimeout(resolve, 500)),
    shouldRetry: () => true,
  });
  const watch = (account: string): Frame[] => {
    const frames: Frame[] = [];
    client.subscribe<{ frame: Frame }>(
      { query: progressOf(account) },
      { next: ({ data }) => void frames.push(data!.frame), error() {}, complete() {} },
    );
    return frames;
  };
  const [frames, quickFrames] = [watch(one.account), watch(quick.account)];
  const runId = await startSync(other, one.account);
  await waitFor(() => frames.some(({ messagesProcessed }) => messagesProcessed > 200), {
    what: 'frames',
    timeoutMs: 60_000,
  });
  await victim.stop('SIGKILL');
  at = other.url;
  // Begins and ends while hardly any subscriber listens.
  const quickRun = await startSync(other, quick.account);
  await finishedRun(other, quickRun);
  await finishedRun(other, runId);
  const watchers = [
    [frames, runId],
    [quickFrames, quickRun],
  ] as const;
  for (const [got, run] of watchers) {
    const last = await waitFor(() => got.find((frame) => frame.runId === run && frame.status === 'SUCCEEDED'), {
      what: 'the completion',
    });
    expect(last.stats).toEqual((await syncRun(other, run)).stats);
  }
  await client.dispose();
  for (const each of [one, quick])
    await expectConsistent({ service: other, databaseUrl, server: dovecot }, { ...each, runs: 1 });
});

test('two schedulers, due accounts, start each sync once', async () => {
  const api = await nodes.api();
  const all: { account: string; user: string }[] = [];
  for (let i = 0; i < 12; i += 1) all.push(await mailbox(api, `two-schedulers-${i}`, 3));
  await withDatabase({ databaseUrl }, (client) => client.query('UPDATE email_account SET next_sync_at = now()'));
  const schedule = { ROLES: 'scheduler', SYNC_ENABLED: 'true', SYNC_INTERVAL_MINUTES: '60' };
  nodes.worker(schedule);
  nodes.worker(schedule);
  nodes.worker();
  const finished = () =>
    withDatabase({ databaseUrl }, async (client) => {
      const { rows } = await client.query<{ ended: number; all: number }>(
        `SELECT count(finished_at)::int AS ended, count(*)::int AS all FROM sync_run`,
      );
      return rows[0]!;
    });
  await waitFor(async () => (await finished()).ended >= all.length, { what: 'the runs', timeoutMs: 60_000 });
  expect(await finished()).toEqual({ ended: all.length, all: all.length });
  for (const each of all) await expectConsistent({ service: api, databaseUrl, server: dovecot }, { ...each, runs: 1 });
});

test('after a crash of PostgreSQL, runs resume and acknowledged data is present', async () => {
  await using server = await startPostgres();
  const url = await server.createDatabase();
  await using cut = cluster({ databaseUrl: url, redisUrl: redis.url });
  await withDatabase({ databaseUrl: url }, (client) =>
    // The test servers turn durability off; without it, a crash may lose committed data.
    client.query(
      `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = on', current_database()); END $$`,
    ),
  );
  const api = await cut.api();
  const worker = cut.worker({ SYNC_MAX_RETRIES: '3', SYNC_RETRY_BASE_SECONDS: '1' });
  const one = await mailbox(api, 'crashed-postgres', SIZE);
  await using watcher = await watchSocket(api, progressOf(one.account));
  const runId = await startSync(api, one.account);
  await inTheMiddle(api, runId);
  await crash(url);
  const after = await waitFor(() => startSync(api, one.account), {
    what: 'the API to answer again',
    timeoutMs: 30_000,
  });
  expect(after).toBe(runId);
  const run = await waitFor(() => finishedRun(api, runId), { what: 'the end', timeoutMs: 120_000 });
  expect(worker.stderr()).toBe('');
  expect(run).toMatchObject({ status: 'SUCCEEDED', messagesProcessed: SIZE });
  await waitFor(() => lastFrame(watcher, runId), { what: 'the completion' });
  await expectConsistent({ service: api, databaseUrl: url, server: dovecot }, { ...one, runs: 1 });
});

/** A backend that dies ends all others, and the server recovers from its log. */
async function crash(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  process.kill(rows[0]!.pid, 'SIGKILL');
  await client.end().catch(() => {});
}

test('a worker that lost PostgreSQL and its lease writes nothing when it is back', async () => {
  const api = await nodes.api();
  const { hostname, port } = new URL(databaseUrl);
  await using cable = await openTunnel({ host: hostname, port: Number(port) });
  const through = new URL(databaseUrl);
  through.port = String(cable.port);
  const cutOff = nodes.worker({ DATABASE_URL: through.href });
  const one = await mailbox(api, 'cut-off', SIZE);
  const runId = await startSync(api, one.account);
  const behind = await Promise.all([1, 2, 3, 4].map((i) => mailbox(api, `behind-cut-off-${i}`, 20)));
  await inTheMiddle(api, runId);
  cable.pull();
  const pulled = performance.now();
  const other = nodes.worker();
  await waitFor(() => other.stdout().includes('Redis is ready'), { what: 'another worker' });
  // Redis still notifies both.
  const waiting = await Promise.all(behind.map(({ account }) => startSync(api, account)));
  for (const id of waiting) {
    const ended = async () => (await syncRun(api, id)).status === 'SUCCEEDED';
    await waitFor(ended, { what: 'another worker to end the run', timeoutMs: 30_000 });
  }
  await waitFor(async () => (await syncRun(api, runId)).attempt === 2, { what: 'the take-over', timeoutMs: 30_000 });
  expect(performance.now() - pulled).toBeLessThan(30_000);
  expect(await finishedRun(api, runId)).toMatchObject({ status: 'SUCCEEDED', attempt: 2, messagesProcessed: SIZE });
  cable.plug();
  await waitFor(() => /"reason":"lease-lost"|LEASE_LOST/.test(cutOff.stdout()), {
    what: 'the worker to lose its lease',
    timeoutMs: 30_000,
  });
  await expectConsistent({ service: api, databaseUrl, server: dovecot }, { ...one, runs: 1 });
  // The worker takes runs again.
  dovecot.deliver(one.user, 'INBOX', mails(SIZE, SIZE + 5));
  expect(await finishedRun(api, await startSync(api, one.account))).toMatchObject({ status: 'SUCCEEDED' });
  await expectConsistent({ service: api, databaseUrl, server: dovecot }, { ...one, runs: 2 });
});

test('nodes that share PostgreSQL without Redis sync correctly and log what is missing', async () => {
  await using apart = cluster({ databaseUrl });
  const [one, other] = [await apart.api(), await apart.api()];
  apart.worker();
  apart.worker();
  const all = await Promise.all([1, 2, 3, 4, 5, 6].map((i) => mailbox(one, `without-redis-${i}`, 50)));
  await using watcher = await watchSocket(other, progressOf(all[0]!.account));
  const runs = await Promise.all(all.map(({ account }) => startSync(one, account)));
  for (const run of runs) expect(await finishedRun(one, run)).toMatchObject({ status: 'SUCCEEDED', attempt: 1 });
  await waitFor(() => lastFrame(watcher, runs[0]!), { what: 'the completion, at another node' });
  expectSteady(watcher.frames);
  for (const each of all) await expectConsistent({ service: one, databaseUrl, server: dovecot }, { ...each, runs: 1 });
  expect(one.log()).toContain('REDIS_URL is not set');
});
