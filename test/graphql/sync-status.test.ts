import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { insertTestAccounts } from '../../lab/assertions/stored-account.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { encodeId } from '../../src/graphql/ids.ts';
import { type ClaimedRun, claimNextRun } from '../../src/store/runs/claim-run.ts';
import { cancelRun, finishRun } from '../../src/store/runs/finish-run.ts';
import { coolHost, hostIsWell } from '../../src/store/runs/host-cooling.ts';
import { postponeRun } from '../../src/store/runs/postpone-run.ts';
import { preempt } from '../../src/store/runs/preempt.ts';
import { giveBackRun, queueDueRetries, requeueDeadRuns } from '../../src/store/runs/requeue-runs.ts';
import { startRun } from '../../src/store/runs/start-run.ts';
import { type ServedApi, serveApi } from '../server/served-api.ts';

/** The status in every state of an account, derived from the rows alone: no worker runs here. */
let api: ServedApi;
let accountId: string;
const DUE = new Date(Date.now() + 10 * 60_000);

beforeAll(async () => {
  api = await serveApi();
});

afterAll(() => api?.close());

beforeEach(async () => {
  await api.database.prisma.emailAccount.deleteMany();
  [accountId] = (await insertTestAccounts(api.database, api.alice.id, { count: 1, nextSyncAt: DUE })) as [string];
});

async function status() {
  const { data, errors } = await api.ask(
    api.alice,
    `query ($id: ID!) { syncStatus(accountId: $id) {
      state message isActive isSyncing lastSyncAt lastSyncStatus lastSyncError { code message hint } syncCount
      nextSyncAt needsAuthSince throttledUntil hostPausedUntil
      activeRun { status phase attempt retries queuePosition nextAttemptAt error { code } }
    } }`,
    { id: encodeId('EmailAccount', accountId) },
  );
  expect(errors).toBeUndefined();
  const { runs } = await history();
  // Status and history must agree.
  const finished = runs.filter((run: { finishedAt: string | null }) => run.finishedAt !== null);
  expect(data.syncStatus.syncCount).toBe(finished.length);
  expect(data.syncStatus.lastSyncStatus).toBe(finished[0]?.status ?? null);
  expect(data.syncStatus.lastSyncAt).toBe(finished[0]?.finishedAt ?? null);
  expect(data.syncStatus.lastSyncError?.code ?? null).toBe(finished[0]?.error?.code ?? null);
  expect(data.syncStatus.isSyncing).toBe(finished.length < runs.length);
  return data.syncStatus;
}

async function history() {
  const { data } = await api.ask(
    api.alice,
    'query ($id: ID!) { syncRuns(accountId: $id) { edges { node { status finishedAt error { code } } } } }',
    { id: encodeId('EmailAccount', accountId) },
  );
  return { runs: data.syncRuns.edges.map((edge: { node: unknown }) => edge.node) };
}

const start = () => startRun(api.database.pool, api.alice.id, accountId, 'INCREMENTAL', 'USER');
const claim = async (at: Date | null = null) => (await claimNextRun(api.database.pool, at)) as ClaimedRun;
async function update(input: object): Promise<void> {
  const { errors } = await api.ask(
    api.alice,
    'mutation ($id: ID!, $input: UpdateEmailAccountInput!) { updateEmailAccount(id: $id, input: $input) { id } }',
    { id: encodeId('EmailAccount', accountId), input },
  );
  expect(errors).toBeUndefined();
}
const error = (code: ErrorCode) => ({ code, message: 'What went wrong.' });

async function running(): Promise<ClaimedRun> {
  await start();
  return claim();
}

const NEVER = { lastSyncAt: null, lastSyncStatus: null, lastSyncError: null, syncCount: 0 };

test('syncStatus, never synced', async () => {
  expect(await status()).toEqual({
    ...NEVER,
    state: 'NEVER_SYNCED',
    message: 'Not synced yet.',
    isActive: true,
    isSyncing: false,
    nextSyncAt: DUE.toISOString(),
    needsAuthSince: null,
    throttledUntil: null,
    hostPausedUntil: null,
    activeRun: null,
  });
});

test('syncStatus, queued, has the queue position', async () => {
  const [other] = await insertTestAccounts(api.database, api.bob.id, { count: 1 });
  await startRun(api.database.pool, api.bob.id, other!, 'INCREMENTAL', 'USER');
  await start();
  expect(await status()).toMatchObject({
    ...NEVER,
    state: 'QUEUED',
    activeRun: { status: 'QUEUED', phase: 'QUEUED', attempt: 1, queuePosition: 2 },
  });
  await claim();
  expect(await status()).toMatchObject({ activeRun: { queuePosition: 1 } });
});

test('syncStatus, running', async () => {
  await running();
  expect(await status()).toMatchObject({
    ...NEVER,
    state: 'RUNNING',
    activeRun: { status: 'RUNNING', phase: 'CONNECTING', queuePosition: null },
  });
});

test('syncStatus, a dead worker, reports it until another worker has the run', async () => {
  await start();
  await claim(new Date(Date.now() - 60_000));
  const died = await status();
  expect(died).toMatchObject({ ...NEVER, state: 'INTERRUPTED', activeRun: { status: 'RUNNING', attempt: 1 } });
  expect(died.message).toContain('stopped responding');
  await requeueDeadRuns(api.database.pool, false);
  expect(await status()).toMatchObject({ state: 'QUEUED', activeRun: { attempt: 2, queuePosition: 1 } });
});

test('syncStatus, returned to the queue at a shutdown', async () => {
  const { lease } = await running();
  await giveBackRun(api.database.pool, lease);
  expect(await status()).toMatchObject({ ...NEVER, state: 'QUEUED', activeRun: { attempt: 2 } });
});

test('syncStatus, preempted, is queued and keeps its progress', async () => {
  const { lease } = await running();
  await preempt(api.database.pool, lease, true);
  expect(await status()).toMatchObject({
    ...NEVER,
    state: 'QUEUED',
    activeRun: { status: 'QUEUED', phase: 'QUEUED', attempt: 1, retries: 0, queuePosition: 1, error: null },
  });
});

test('syncStatus, waiting for a retry', async () => {
  const { lease } = await running();
  const later = { delayMs: 60_000, retries: 1, throttled: false, error: error('IMAP_TIMEOUT') };
  const { nextAttemptAt } = await postponeRun(api.database.pool, lease, later);
  expect(await status()).toMatchObject({
    ...NEVER,
    state: 'WAITING_RETRY',
    message: `The next attempt is at ${nextAttemptAt!.toISOString()}.`,
    throttledUntil: null,
    hostPausedUntil: null,
    activeRun: {
      status: 'WAITING_RETRY',
      phase: 'QUEUED',
      retries: 1,
      queuePosition: null,
      nextAttemptAt: nextAttemptAt!.toISOString(),
      error: { code: 'IMAP_TIMEOUT' },
    },
  });
  await queueDueRetries(api.database.pool, nextAttemptAt);
  expect(await status()).toMatchObject({ state: 'QUEUED', activeRun: { attempt: 2, nextAttemptAt: null } });
  await claim();
  expect(await status()).toMatchObject({ state: 'RUNNING', activeRun: { error: null } });
});

test('syncStatus, throttled by the provider', async () => {
  const { lease, run } = await running();
  const later = { delayMs: 60_000, retries: 0, throttled: true, error: error('IMAP_THROTTLED') };
  const { nextAttemptAt } = await postponeRun(api.database.pool, lease, later);
  const until = nextAttemptAt!.toISOString();
  const message = `Paused by the provider until ${until}.`;
  expect(await status()).toMatchObject({ ...NEVER, state: 'THROTTLED', message, throttledUntil: until });
  await cancelRun(api.database.pool, api.alice.id, run.id);
  expect(await status()).toMatchObject({ state: 'THROTTLED', message, lastSyncStatus: 'CANCELLED', activeRun: null });
  await api.database.prisma.emailAccount.updateMany({ data: { throttledUntil: new Date(Date.now() - 1) } });
  expect(await status()).toMatchObject({ state: 'CANCELLED', throttledUntil: null });
});

test('syncStatus, a mail server that turned a connection away', async () => {
  const { pool } = api.database;
  const { imapHost } = await api.database.prisma.emailAccount.findFirstOrThrow({ where: { tenantId: api.alice.id } });
  expect(await status()).toMatchObject({ hostPausedUntil: null });
  await coolHost(pool, imapHost);
  const { hostPausedUntil } = await status();
  expect(Date.parse(hostPausedUntil)).toBeGreaterThan(Date.now());
  await hostIsWell(pool, imapHost);
  expect(await status()).toMatchObject({ hostPausedUntil: null });
});

test('syncStatus, refused credentials', async () => {
  const { lease } = await running();
  const outcome = { status: 'FAILED', error: error('IMAP_AUTH_FAILED'), needsAuth: true } as const;
  const { finishedAt } = await finishRun(api.database.pool, lease, outcome);
  expect(await status()).toMatchObject({
    state: 'NEEDS_AUTH',
    lastSyncStatus: 'FAILED',
    lastSyncError: { ...error('IMAP_AUTH_FAILED'), hint: expect.stringContaining('credentials') },
    nextSyncAt: null,
    needsAuthSince: finishedAt!.toISOString(),
    activeRun: null,
  });

  // New credentials allow another attempt; the outcome of the last run stays until the next one ends.
  await update({ credentials: { password: 'another' }, verify: false });
  expect(await status()).toMatchObject({
    state: 'FAILED',
    lastSyncError: { code: 'IMAP_AUTH_FAILED', hint: 'The login has changed since. The next sync tries the new one.' },
    nextSyncAt: expect.any(String),
    needsAuthSince: null,
  });
  await finishRun(api.database.pool, (await running()).lease, { status: 'SUCCEEDED' });
  expect(await status()).toMatchObject({ state: 'SUCCEEDED', lastSyncError: null });
});

test('syncStatus, paused', async () => {
  await update({ isActive: false });
  expect(await status()).toMatchObject({ ...NEVER, state: 'PAUSED', isActive: false, nextSyncAt: null });
});

test('syncStatus, after a run, has its outcome: succeeded, failed, cancelled', async () => {
  await finishRun(api.database.pool, (await running()).lease, { status: 'SUCCEEDED' });
  expect(await status()).toMatchObject({
    state: 'SUCCEEDED',
    // This does not mean that all is up to date: the run may have quarantined something.
    message: 'The last sync succeeded. Its receipt states what it proved.',
    lastSyncError: null,
    syncCount: 1,
  });

  const failure = { status: 'FAILED', error: error('IMAP_TLS_FAILED') } as const;
  await finishRun(api.database.pool, (await running()).lease, failure);
  expect(await status()).toMatchObject({
    state: 'FAILED',
    lastSyncError: { ...failure.error, hint: expect.stringMatching(/\.$/) },
    nextSyncAt: DUE.toISOString(),
    syncCount: 2,
  });

  const { run } = await start();
  await cancelRun(api.database.pool, api.alice.id, run.id);
  expect(await status()).toMatchObject({ state: 'CANCELLED', lastSyncError: null, syncCount: 3 });
});
