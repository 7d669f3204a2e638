import { randomBytes } from 'node:crypto';
import { Worker } from 'bullmq';
import pino from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { insertTestAccount } from '../../lab/assertions/stored-account.ts';
import { postgres, redisUrl } from '../../lab/servers/shared-servers.ts';
import { waitFor } from '../../lab/wait.ts';
import { type BullmqQueue, createBullmqQueue } from '../../src/jobs/queue/bullmq-queue.ts';
import { QUEUE_NAME } from '../../src/jobs/queue/sync-job.ts';
import { openRedis, type RedisLink } from '../../src/redis.ts';
import { type Database, openDatabase } from '../../src/store/plumbing/database.ts';
import { startRun } from '../../src/store/runs/start-run.ts';

/** What concerns BullMQ's jobs alone; queue-conformance.test.ts tests what holds for every queue. */
const log = pino({ level: 'silent' });
const prefix = `test-${randomBytes(6).toString('hex')}`;
let database: Database;
let redis: RedisLink;
let queue: BullmqQueue;

beforeAll(async () => {
  database = await openDatabase({ url: await postgres.createDatabase(), dataDir: '' });
  redis = openRedis(redisUrl, prefix, log);
  await waitFor(() => redis.isReady, { what: 'Redis' });
  queue = createBullmqQueue({ redis, prefix, pool: database.pool, log });
});

afterAll(async () => {
  await queue?.messages.obliterate({ force: true });
  await queue?.close();
  redis?.close();
  await database?.close();
});

const waiting = async () => (await queue.messages.getJobs(['prioritized', 'delayed', 'wait'])).map(({ data }) => data);

test('a job that ended without its run is sent again; existing jobs are not', async () => {
  const runs = [];
  for (let i = 0; i < 3; i += 1) {
    const { tenantId, accountId } = await insertTestAccount(database);
    runs.push((await startRun(database.pool, tenantId, accountId, 'INCREMENTAL', 'USER')).run);
  }
  queue.dispatch(runs);
  await waitFor(async () => (await waiting()).length === 3, { what: 'the messages' });

  const broken = new Worker(
    QUEUE_NAME,
    async () => {
      await broken.pause(true);
      throw new Error('Redis went away before the message could be put off');
    },
    { connection: redis.blocking(), prefix },
  );
  await waitFor(async () => (await queue.messages.getFailedCount()) === 1, { what: 'a message to be lost' });
  await broken.close();
  expect(await waiting()).toHaveLength(2);

  // A single check decides nothing.
  await queue.reconcile();
  expect(await waiting()).toHaveLength(2);
  await queue.reconcile();
  const ids = (await waiting()).map(({ runId }) => runId);
  expect(new Set(ids)).toEqual(new Set(runs.map(({ id }) => id)));
  expect(ids).toHaveLength(runs.length);
});
