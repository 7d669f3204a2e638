import pino from 'pino';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { insertTestAccount } from '../../lab/assertions/stored-account.ts';
import { postgres } from '../../lab/servers/shared-servers.ts';
import { MailtideError } from '../../src/errors.ts';
import { createRunHandler, type RunHandlerOptions } from '../../src/jobs/attempt/run-handler.ts';
import { createLocalProgressBus } from '../../src/live/progress-bus.ts';
import { type Database, openDatabase } from '../../src/store/plumbing/database.ts';
import { recordProgressNow } from '../../src/store/runs/record-progress.ts';
import { startRun } from '../../src/store/runs/start-run.ts';

let database: Database;
let owner: { tenantId: string; accountId: string };
let runId: string;

beforeAll(async () => {
  database = await openDatabase({ url: await postgres.createDatabase(), dataDir: '' });
});

afterAll(() => database?.close());

beforeEach(async () => {
  await database.prisma.tenant.deleteMany();
  owner = await insertTestAccount(database);
  runId = (await startRun(database.pool, owner.tenantId, owner.accountId, 'INCREMENTAL', 'USER')).run.id;
});

const row = () => database.prisma.syncRun.findUniqueOrThrow({ where: { id: runId } });

/** One attempt of a worker whose work takes longer than the limit. */
async function attempt(work: RunHandlerOptions['work']): Promise<void> {
  const handler = createRunHandler({
    database,
    bus: createLocalProgressBus(),
    log: pino({ level: 'silent' }),
    retry: { maxRetries: 1, baseSeconds: 60 },
    timeLimitMs: 20,
    work,
  });
  await handler.carryOut((await handler.claim(false))!, new AbortController().signal);
}

/** Like the engine: everything that waits for the server ends when the signal is aborted. */
const untilStopped = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    const stop = () => reject(new MailtideError('RUN_CANCELLED'));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop);
  });

test('an attempt at its time limit returns to the end of the queue with its progress', async () => {
  const before = await row();
  await attempt(async ({ lease }, { publish, signal }) => {
    publish(await recordProgressNow(database.pool, lease, { remaining: 9, add: { messagesProcessed: 5 } }));
    return untilStopped(signal);
  });
  const after = await row();
  expect(after).toMatchObject({ status: 'QUEUED', attempt: 2, retries: 0, messagesProcessed: 5, leaseToken: null });
  expect(after.queuedAt.getTime()).toBeGreaterThan(before.queuedAt.getTime());
});

test('an attempt at its time limit without progress fails, and is retried', async () => {
  const stuck: RunHandlerOptions['work'] = (_claimed, { signal }) => untilStopped(signal);
  await attempt(stuck);
  expect(await row()).toMatchObject({ status: 'WAITING_RETRY', retries: 1, errorCode: 'SYNC_TIME_LIMIT' });
  await database.prisma.syncRun.update({ where: { id: runId }, data: { status: 'QUEUED' } });
  await attempt(stuck);
  expect(await row()).toMatchObject({ status: 'FAILED', errorCode: 'SYNC_TIME_LIMIT' });
});
