import { randomBytes } from 'node:crypto';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { insertTestAccounts } from '../../lab/assertions/stored-account.ts';
import { postgres, redisUrl } from '../../lab/servers/shared-servers.ts';
import { waitFor } from '../../lab/wait.ts';
import { newId } from '../../src/domain/ids.ts';
import { NOTHING_UNREAD, type SyncReceipt } from '../../src/domain/receipt.ts';
import { MailtideError } from '../../src/errors.ts';
import { createRunHandler, type RunTools } from '../../src/jobs/attempt/run-handler.ts';
import { createSyncs } from '../../src/jobs/create-syncs.ts';
import { startRecovery } from '../../src/jobs/maintenance/recovery.ts';
import { createBullmqQueue } from '../../src/jobs/queue/bullmq-queue.ts';
import { createLocalQueue } from '../../src/jobs/queue/local-queue.ts';
import { QUEUE_NAME } from '../../src/jobs/queue/sync-job.ts';
import type { SyncQueue } from '../../src/jobs/queue/sync-queue.ts';
import { createWorkerSlots } from '../../src/jobs/queue/worker-slots.ts';
import { createLocalProgressBus } from '../../src/live/progress-bus.ts';
import { openRedis } from '../../src/redis.ts';
import { type Database, openDatabase } from '../../src/store/plumbing/database.ts';
import type { ClaimedRun } from '../../src/store/runs/claim-run.ts';

/** What holds for the queue with either adapter (src/jobs/queue/sync-queue.ts). */
const log = pino({ level: 'silent' });
const bus = createLocalProgressBus();
let database: Database;

beforeAll(async () => {
  database = await openDatabase({ url: await postgres.createDatabase(), dataDir: '' });
});

afterAll(() => database?.close());

/** A run that is carried out: it lasts until the test ends it with an outcome, or it is stopped. */
interface Going {
  readonly runId: string;
  readonly attempt: number;
  readonly stopped: Promise<unknown>;
  succeed(): void;
  fail(error: Error): void;
}

/** A worker process, as far as the queue is concerned. */
interface Node {
  readonly queue: SyncQueue;
  readonly going: Going[];
  close(): Promise<void>;
}

const adapters = {
  local: async (_prefix: string, concurrency: number): Promise<Node> => {
    const going: Going[] = [];
    const handler = handlerOf(going);
    const queue = createLocalQueue(createWorkerSlots(concurrency, handler), handler, log);
    return { queue, going, close: () => queue.close() };
  },
  BullMQ: async (prefix: string, concurrency: number): Promise<Node> => {
    const going: Going[] = [];
    const handler = handlerOf(going);
    const redis = openRedis(redisUrl, prefix, log);
    await waitFor(() => redis.isReady, { what: 'Redis' });
    const worker = { slots: createWorkerSlots(concurrency, handler), concurrency, handler };
    const queue = createBullmqQueue({ redis, prefix, pool: database.pool, worker, log });
    return { queue, going, close: () => queue.close().finally(() => redis.close()) };
  },
};

const handlerOf = (going: Going[]) =>
  createRunHandler({
    database,
    bus,
    log,
    retry: { maxRetries: 3, baseSeconds: 1 },
    timeLimitMs: 60_000,
    work: (claimed, tools) => carryOut(going, claimed, tools),
  });

function carryOut(going: Going[], { run }: ClaimedRun, { signal }: RunTools): Promise<SyncReceipt> {
  const { promise, resolve, reject } = Promise.withResolvers<SyncReceipt>();
  const stopped = new Promise((resolve) => {
    const stop = (): void => {
      resolve(signal.reason);
      reject(new MailtideError('RUN_CANCELLED'));
    };
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop);
  });
  const succeed = () => resolve({ complete: true, mailboxes: [], unread: NOTHING_UNREAD });
  going.push({ runId: run.id, attempt: run.attempt, stopped, succeed, fail: reject });
  return promise;
}

describe.each(Object.entries(adapters))('%s', (_name, startNode) => {
  let prefix: string;
  let nodes: Node[];
  let recoveries: (() => Promise<void>)[];

  beforeEach(async () => {
    await database.prisma.tenant.deleteMany();
    prefix = `test-${randomBytes(6).toString('hex')}`;
    [nodes, recoveries] = [[], []];
  });

  afterEach(async () => {
    for (const stop of recoveries) await stop();
    await Promise.all(nodes.map((node) => node.close()));
    const redis = openRedis(redisUrl, prefix, log);
    await waitFor(() => redis.isReady, { what: 'Redis' });
    const keys = await redis.commands.keys(`${prefix}:*`);
    if (keys.length > 0) await redis.commands.del(keys);
    redis.close();
  });

  async function node(concurrency = 2, { recovers = true } = {}): Promise<Node> {
    const started = await startNode(prefix, concurrency);
    nodes.push(started);
    if (recovers) {
      recoveries.push(await startRecovery({ database, bus, queue: started.queue, maxRetries: 3, log }));
    }
    return started;
  }

  const syncsOf = ({ queue }: Node) => createSyncs({ database, bus, queue });

  async function accounts(count: number, tenantId = newId()): Promise<{ tenantId: string; ids: string[] }> {
    return { tenantId, ids: await insertTestAccounts(database, tenantId, { count }) };
  }

  async function started(through: Node, tenantId: string, ids: string[], trigger: 'USER' | 'SCHEDULE' = 'USER') {
    const runIds: string[] = [];
    for (const id of ids) runIds.push((await syncsOf(through).start(tenantId, id, 'INCREMENTAL', trigger)).run.id);
    return runIds;
  }

  const row = (id: string) => database.prisma.syncRun.findUniqueOrThrow({ where: { id } });
  const going = (count: number, from = nodes) =>
    waitFor(
      () => {
        const all = from.flatMap((one) => one.going);
        return all.length >= count && all;
      },
      { what: `${count} runs to have begun` },
    );
  const status = (id: string, wanted: string) =>
    waitFor(async () => (await row(id)).status === wanted, { what: `the run to be ${wanted}` });

  test('dispatch: a run begins on a node with a free slot and records its outcome', async () => {
    const worker = await node();
    const { tenantId, ids } = await accounts(1);
    const [runId] = await started(worker, tenantId, ids);
    const [run] = await going(1);
    expect(run).toMatchObject({ runId, attempt: 1 });
    expect(await row(runId!)).toMatchObject({ status: 'RUNNING' });
    run!.succeed();
    await status(runId!, 'SUCCEEDED');
  });

  test('dispatch: a job that arrives twice or late starts no second run', async () => {
    const worker = await node();
    const { tenantId, ids } = await accounts(1);
    const [runId] = await started(worker, tenantId, ids);
    const queued = await row(runId!);
    for (let i = 0; i < 5; i += 1) worker.queue.dispatch([queued]);
    (await going(1))[0]!.succeed();
    await status(runId!, 'SUCCEEDED');
    worker.queue.dispatch([queued]);
    // The next run comes after everything that this has caused.
    await started(worker, tenantId, ids);
    expect((await going(2)).map((run) => run.runId === runId)).toEqual([true, false]);
  });

  test('concurrency: a node runs at most its slots, and takes the next when one ends', async () => {
    const worker = await node(2);
    const { tenantId, ids } = await accounts(3);
    const runIds = await started(worker, tenantId, ids);
    const [first] = await going(2);
    const waiting = runIds.find((id) => !worker.going.some((run) => run.runId === id))!;
    await worker.queue.reconcile();
    expect(await row(waiting)).toMatchObject({ status: 'QUEUED' });
    expect(worker.going).toHaveLength(2);
    first!.succeed();
    expect((await going(3))[2]).toMatchObject({ runId: waiting });
  });

  test('priority: requested runs come before scheduled ones, and tenants alternate', async () => {
    const worker = await node(1);
    const [blocker, many, one, urgent] = [await accounts(1), await accounts(4), await accounts(1), await accounts(1)];
    await started(worker, blocker.tenantId, blocker.ids);
    await going(1);
    const scheduled = await started(worker, many.tenantId, many.ids, 'SCHEDULE');
    const late = await started(worker, one.tenantId, one.ids, 'SCHEDULE');
    const asked = await started(worker, urgent.tenantId, urgent.ids, 'USER');
    await allSent(7 - 1);
    const order: string[] = [];
    for (let i = 0; i < 7; i += 1) {
      const run = (await going(i + 1))[i]!;
      order.push(run.runId);
      run.succeed();
    }
    expect(order[1]).toBe(asked[0]);
    // After the first of the many, not behind all of them.
    expect(order.slice(2, 4)).toContain(late[0]);
    expect(order.slice(2).filter((id) => id !== late[0])).toEqual(scheduled);
  });

  test('delay: a run that waits for a retry begins when it is due, and not before', async () => {
    const worker = await node();
    const { tenantId, ids } = await accounts(1);
    const [runId] = await started(worker, tenantId, ids);
    (await going(1))[0]!.fail(new MailtideError('IMAP_TIMEOUT'));
    await status(runId!, 'WAITING_RETRY');
    const { nextAttemptAt } = await row(runId!);
    const [, second] = await going(2);
    expect(second).toMatchObject({ runId, attempt: 2 });
    const [clock] = await database.prisma.$queryRaw<{ now: Date }[]>`SELECT now()`;
    expect(clock!.now.getTime()).toBeGreaterThanOrEqual(nextAttemptAt!.getTime());
    expect(worker.going).toHaveLength(2);
  });

  test('cancel: a waiting run never begins', async () => {
    const worker = await node(1);
    const { tenantId, ids } = await accounts(3);
    const [, cancelled, last] = await started(worker, tenantId, ids);
    await going(1);
    await syncsOf(worker).cancel(tenantId, cancelled!);
    worker.going[0]!.succeed();
    expect((await going(2))[1]).toMatchObject({ runId: last });
    expect(await row(cancelled!)).toMatchObject({ status: 'CANCELLED' });
  });

  test('cancel: a running run is stopped', async () => {
    const worker = await node();
    const { tenantId, ids } = await accounts(1);
    const [runId] = await started(worker, tenantId, ids);
    const [run] = await going(1);
    await syncsOf(worker).cancel(tenantId, runId!);
    expect(await run!.stopped).toBe('cancelled');
    expect(await row(runId!)).toMatchObject({ status: 'CANCELLED' });
  });

  test('position: falls to 1 while a run waits, and is null once it runs', async () => {
    const worker = await node(1);
    const { tenantId, ids } = await accounts(3);
    const [first, second, third] = await started(worker, tenantId, ids);
    await going(1);
    const slots = () => Promise.all([first!, second!, third!].map((id) => syncsOf(worker).queuePosition(id)));
    expect(await slots()).toEqual([null, 1, 2]);
    worker.going[0]!.succeed();
    await going(2);
    expect(await slots()).toEqual([null, null, 1]);
  });

  test('hosts: a run that may not begin at its host waits and blocks no other', async () => {
    const worker = await node(4);
    const { tenantId, ids } = await accounts(2);
    const cold = await insertTestAccounts(database, tenantId, { count: 1, imapHost: 'cold.example' });
    await database.pool.query(
      `INSERT INTO imap_host (host, refusals, cooling_until) VALUES ('cold.example', 1, now() + interval '1 hour')`,
    );
    const [waiting] = await started(worker, tenantId, cold);
    await started(worker, tenantId, ids);
    await going(2);
    expect(await row(waiting!)).toMatchObject({ status: 'QUEUED' });
    await database.pool.query('DELETE FROM imap_host');
  });

  test('hosts: a run that waits for a connection begins when one is free', async () => {
    const worker = await node(12);
    const tenantId = newId();
    // At most nine at once (domain/host-limits.ts).
    const ids = await insertTestAccounts(database, tenantId, { count: 10, imapHost: 'imap.mail.yahoo.com' });
    const runIds = await started(worker, tenantId, ids);
    await going(9);
    const { tenantId: elsewhere, ids: others } = await accounts(1);
    await started(worker, elsewhere, others);
    await going(10);
    const waiting = runIds.find((id) => !worker.going.some((run) => run.runId === id))!;
    expect(await row(waiting)).toMatchObject({ status: 'QUEUED' });
    worker.going[0]!.succeed();
    expect((await going(11))[10]).toMatchObject({ runId: waiting });
  });

  test('preemption: a preempted run is queued as the same attempt, and resumes', async () => {
    const worker = await node(1);
    const { tenantId, ids } = await accounts(1);
    const [first] = await started(worker, tenantId, ids);
    await going(1);
    await database.pool.query(`UPDATE sync_run SET turn_began_at = now() - interval '1 hour'`);
    const { tenantId: other, ids: others } = await accounts(1);
    const [second] = await started(worker, other, others);
    const [one, two] = await going(2);
    expect(await one!.stopped).toBe('gives-way');
    expect(two).toMatchObject({ runId: second });
    two!.succeed();
    expect((await going(3))[2]).toMatchObject({ runId: first, attempt: 1 });
  });

  test('redelivery: the run of a dead worker starts on another as the next attempt', async () => {
    const dead = await node(1, { recovers: false });
    const { tenantId, ids } = await accounts(1);
    const [runId] = await started(dead, tenantId, ids);
    await going(1, [dead]);
    const other = await node(1);
    // A killed process no longer renews its lease.
    await database.pool.query(`UPDATE sync_run SET lease_expires_at = now() - interval '1 second'`);
    expect((await going(1, [other]))[0]).toMatchObject({ runId, attempt: 2 });
  });

  test('shutdown: a run is stopped and returned, and resumes on another node', async () => {
    const leaving = await node(1);
    const { tenantId, ids } = await accounts(1);
    const [runId] = await started(leaving, tenantId, ids);
    const [run] = await going(1);
    const other = await node(1);
    await leaving.close();
    expect(await run!.stopped).toBe('shutdown');
    expect((await going(1, [other]))[0]).toMatchObject({ runId, attempt: 2 });
    expect(leaving.going).toHaveLength(1);
  });

  /** Waits until jobs are sent, which happens in the background. */
  async function allSent(count: number): Promise<void> {
    if (_name !== 'BullMQ') return;
    const redis = openRedis(redisUrl, prefix, log);
    await waitFor(
      async () => redis.isReady && (await redis.commands.zcard(`${prefix}:${QUEUE_NAME}:prioritized`)) === count,
      {
        what: 'the messages',
      },
    ).finally(() => redis.close());
  }
});
