import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { expectConsistent } from '../../lab/assertions/consistent.ts';
import { mails } from '../../lab/mail/mails.ts';
import { openFaultProxy } from '../../lab/proxies/fault-proxy.ts';
import { freePort } from '../../lab/servers/free-port.ts';
import { type RedisServer, startRedis } from '../../lab/servers/redis.ts';
import { dovecot, postgres } from '../../lab/servers/shared-servers.ts';
import { type Cluster, cluster } from '../../lab/service/cluster.ts';
import type { Service } from '../../lab/service/service.ts';
import { connectAccount, finishedRun, startSync } from '../../lab/service/sync.ts';
import { expectSteady, lastFrame, progressOf, watchSocket } from '../../lab/service/watch.ts';
import { waitFor } from '../../lab/wait.ts';
import { inTheMiddle, mailbox, SIZE } from './mailbox.ts';

/** Failures of Redis, and loss of its data, on real processes. */
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

test('Redis down and back empty: syncs continue, nothing is lost or duplicated', async () => {
  const api = await nodes.api();
  const other = await nodes.api();
  const worker = nodes.worker({ SYNC_CONCURRENCY: '1' });
  const large = await mailbox(api, 'redis-large', SIZE);
  const small = await Promise.all([1, 2, 3].map((i) => mailbox(api, `redis-small-${i}`, 5)));
  await using watcher = await watchSocket(other, progressOf(small[2]!.account));
  const ready = async (service: Service) => {
    const answer = await fetch(`${service.url}/readyz`);
    return { status: answer.status, redis: ((await answer.json()) as { redis: string }).redis };
  };
  expect(await ready(api)).toEqual({ status: 200, redis: 'ok' });
  const runs = [await startSync(api, large.account)];
  await inTheMiddle(api, runs[0]!);
  for (const { account } of small.slice(0, 2)) runs.push(await startSync(api, account));

  await redis.stop();
  await waitFor(async () => (await ready(api)).redis !== 'ok', { what: '/readyz to report it' });
  expect(await ready(api)).toEqual({ status: 200, redis: 'no Redis' });
  runs.push(await startSync(api, small[2]!.account));
  for (const run of runs) expect(await finishedRun(api, run)).toMatchObject({ status: 'SUCCEEDED', attempt: 1 });
  await waitFor(() => lastFrame(watcher, runs[3]!), { what: 'the completion, at another node, without Redis' });

  // Runs that wait when Redis is back, without jobs.
  runs.push(await startSync(api, large.account, 'FULL'));
  for (const { account } of small) runs.push(await startSync(api, account));
  redis = await startRedis(redis.port);
  for (const run of runs) expect(await finishedRun(api, run)).toMatchObject({ status: 'SUCCEEDED', attempt: 1 });
  await waitFor(async () => (await ready(api)).redis === 'ok' && (await ready(other)).redis === 'ok', {
    what: 'Redis',
  });
  const last = await startSync(api, small[2]!.account);
  await waitFor(() => lastFrame(watcher, last), { what: 'the completion' });
  expectSteady(watcher.frames);
  for (const each of [large, ...small.slice(0, 2)]) {
    await expectConsistent({ service: api, databaseUrl, server: dovecot }, { ...each, runs: 2 });
  }
  await expectConsistent({ service: api, databaseUrl, server: dovecot }, { ...small[2]!, runs: 3 });
  expect(worker.stdout()).toContain('Redis is unavailable');
  expect(worker.stderr()).toBe('');
});

test('a node without Redis starts and works, and uses Redis once it is up', async () => {
  const port = await freePort('127.0.0.1');
  await using alone = cluster({ databaseUrl, redisUrl: `redis://127.0.0.1:${port}` });
  const node = await alone.api({ ROLES: 'api,worker' });
  const health = async () => (await fetch(`${node.url}/readyz`)).json();
  expect(await health()).toEqual({ status: 'ok', redis: 'no Redis' });
  const one = await mailbox(node, 'redis-late', 20);
  await using watcher = await watchSocket(node, progressOf(one.account));
  const runId = await startSync(node, one.account);
  await waitFor(() => lastFrame(watcher, runId), { what: 'the completion' });
  await using _late = await startRedis(port);
  await waitFor(async () => ((await health()) as { redis: string }).redis === 'ok', { what: 'Redis to be seen' });
  const next = await startSync(node, one.account);
  await waitFor(() => lastFrame(watcher, next), { what: 'the next completion' });
  await expectConsistent({ service: node, databaseUrl, server: dovecot }, { ...one, runs: 2 });
  expect(node.log().match(/Redis is unavailable/g)).toHaveLength(1);
});

test('Redis loses all data while runs wait: their jobs are sent again', async () => {
  const api = await nodes.api();
  nodes.worker({ SYNC_CONCURRENCY: '1' });
  await using slow = await openFaultProxy(dovecot);
  dovecot.addUser('flushed-first', { INBOX: mails(0, 5) });
  const first = {
    user: 'flushed-first',
    account: await connectAccount(api, { ...dovecot, port: slow.port }, 'flushed-first'),
  };
  const rest = await Promise.all([1, 2, 3, 4, 5].map((i) => mailbox(api, `flushed-${i}`, 3)));
  const answers = Promise.withResolvers<void>();
  const held: (() => void)[] = [];
  slow.fault = {
    command({ name, tag }, wire) {
      if (name !== 'LIST') return undefined;
      held.push(() => wire.send(`${tag} NO later\r\n`));
      answers.resolve();
      return '';
    },
  };
  const runs = [await startSync(api, first.account)];
  await answers.promise;
  for (const { account } of rest) runs.push(await startSync(api, account));
  await flush();
  slow.fault = null;
  for (const refuse of held) refuse();
  for (const run of runs.slice(1))
    expect(await finishedRun(api, run)).toMatchObject({ status: 'SUCCEEDED', attempt: 1 });
  for (const each of rest) await expectConsistent({ service: api, databaseUrl, server: dovecot }, { ...each, runs: 1 });
});

async function flush(): Promise<void> {
  const { Redis } = await import('ioredis');
  const client = new Redis(redis.url);
  await client.flushall();
  client.disconnect();
}

test('a full Redis: syncs continue, /readyz reports it, and it is used again later', async () => {
  const { Redis } = await import('ioredis');
  const admin = new Redis(redis.url);
  const api = await nodes.api();
  nodes.worker();
  const one = await mailbox(api, 'redis-full', 20);
  await using watcher = await watchSocket(api, progressOf(one.account));
  const health = async () => ((await (await fetch(`${api.url}/readyz`)).json()) as { redis: string }).redis;
  const succeeds = async (): Promise<void> => {
    const runId = await startSync(api, one.account);
    expect(await finishedRun(api, runId)).toMatchObject({ status: 'SUCCEEDED', attempt: 1 });
    await waitFor(() => lastFrame(watcher, runId), { what: 'the completion' });
  };
  await succeeds();
  try {
    await admin.config('SET', 'maxmemory', '1');
    await succeeds();
    await waitFor(async () => (await health()) === 'no Redis', { what: '/readyz to report it' });
    await succeeds();
  } finally {
    await admin.config('SET', 'maxmemory', '0');
    admin.disconnect();
  }
  await waitFor(async () => (await health()) === 'ok', { what: 'Redis to be used' });
  await succeeds();
  await expectConsistent({ service: api, databaseUrl, server: dovecot }, { ...one, runs: 4 });
});
