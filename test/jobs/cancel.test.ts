import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { truth } from '../../lab/assertions/server-truth.ts';
import { storedCounts } from '../../lab/assertions/stored-counts.ts';
import { rowVersions, storedTruth, withDatabase } from '../../lab/assertions/stored-truth.ts';
import { CORPUS_SIZE } from '../../lab/mail/corpus.ts';
import { mails } from '../../lab/mail/mails.ts';
import { dovecot, postgres } from '../../lab/servers/shared-servers.ts';
import { logOf } from '../../lab/service/log-lines.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import {
  connectAccount,
  eventsOf,
  finishedRun,
  startSync,
  sync,
  syncRun,
  verifyChain,
} from '../../lab/service/sync.ts';
import { lastFrame, progressOf, watchSocket } from '../../lab/service/watch.ts';
import { waitFor } from '../../lab/wait.ts';

vi.setConfig({ testTimeout: 120_000 });
let databaseUrl: string;
let service: Service;

beforeAll(async () => {
  databaseUrl = await postgres.createDatabase();
  service = await startService({ databaseUrl, environment: { SYNC_CONCURRENCY: '1' } });
});

afterAll(() => service?.stop());

async function cancel(runId: string): Promise<{ status: string; finishedAt: string; sequence: string }> {
  const { cancelEmailSync } = await service.data<{ cancelEmailSync: Awaited<ReturnType<typeof cancel>> }>(
    'mutation ($id: ID!) { cancelEmailSync(runId: $id) { status finishedAt sequence } }',
    { id: runId },
  );
  return cancelEmailSync;
}

async function statusOf(account: string): Promise<object> {
  const { syncStatus } = await service.data<{ syncStatus: object }>(
    'query ($id: ID!) { syncStatus(accountId: $id) { isSyncing lastSyncStatus lastSyncError { code } syncCount } }',
    { id: account },
  );
  return syncStatus;
}

const middleOf = (runId: string) =>
  waitFor(async () => (await syncRun(service, runId)).messagesProcessed > 200, {
    what: 'the middle of the run',
    timeoutMs: 60_000,
  });

const workerStopped = (runId: string) =>
  waitFor(() => logOf(service, runId).includes('"sync stopped"'), { what: 'the worker to stop', timeoutMs: 2000 });

test('a cancelled sync stops and writes nothing more; the next one resumes', async () => {
  const user = 'cancel-running';
  dovecot.addUser(user, { INBOX: mails(0, 1500) });
  const account = await connectAccount(service, dovecot, user);
  const runId = await startSync(service, account);
  await middleOf(runId);
  await using watcher = await watchSocket(service, progressOf(account));

  expect(await cancel(runId)).toMatchObject({ status: 'CANCELLED' });
  const versions = await rowVersions({ databaseUrl });
  const events = await eventsOf(service, account);
  expect(events.at(-1)?.type).toBe('sync_cancelled');
  await workerStopped(runId);
  expect(await rowVersions({ databaseUrl })).toBe(versions);
  expect(await eventsOf(service, account)).toEqual(events);

  const run = await syncRun(service, runId);
  expect(run).toMatchObject({ status: 'CANCELLED', error: null, attempt: 1 });
  expect(run.stats).toMatchObject({ ...(await storedCounts({ databaseUrl }, `${user}@example.com`)) });
  expect(run.messagesProcessed).toBe(run.stats.messagesFetched);
  expect(run.messagesProcessed).toBeLessThan(1500);
  expect(await statusOf(account)).toEqual({
    isSyncing: false,
    lastSyncStatus: 'CANCELLED',
    lastSyncError: null,
    syncCount: 1,
  });
  expect(await waitFor(() => lastFrame(watcher, runId), { what: 'the last frame' })).toMatchObject({
    status: 'CANCELLED',
    phase: 'DONE',
    stats: run.stats,
  });

  const next = await sync(service, account);
  expect(next.stats.messagesFetched).toBe(1500 - run.messagesProcessed);
  expect(await storedTruth({ databaseUrl }, `${user}@example.com`)).toEqual(await truth({ ...dovecot, user }));
  expect(await verifyChain(service, account)).toMatchObject({ ok: true });
  expect(await statusOf(account)).toMatchObject({ lastSyncStatus: 'SUCCEEDED', syncCount: 2 });

  const after = await syncRun(service, next.id);
  expect(await cancel(next.id)).toEqual(await cancel(next.id));
  expect(await syncRun(service, next.id)).toEqual(after);
});

test('a cancelled queued sync never begins, and delays no other', async () => {
  dovecot.addUser('cancel-busy', { INBOX: mails(0, CORPUS_SIZE) });
  dovecot.addUser('cancel-queued', { INBOX: mails(0, 10) });
  const busy = await connectAccount(service, dovecot, 'cancel-busy');
  const queued = await connectAccount(service, dovecot, 'cancel-queued');
  const busyRun = await startSync(service, busy);
  const queuedRun = await startSync(service, queued);
  await middleOf(busyRun);
  expect(await syncRun(service, queuedRun)).toMatchObject({ status: 'QUEUED' });
  expect(await cancel(queuedRun)).toMatchObject({ status: 'CANCELLED' });
  const next = await startSync(service, queued);
  expect(next).not.toBe(queuedRun);
  expect(await syncRun(service, busyRun)).toMatchObject({ status: 'RUNNING' });
  await cancel(busyRun);

  expect(await finishedRun(service, next)).toMatchObject({ status: 'SUCCEEDED', messagesProcessed: 10 });
  expect(await syncRun(service, queuedRun)).toMatchObject({ status: 'CANCELLED', stats: { durationMs: 0 } });
  const types = (await eventsOf(service, queued)).map(({ type }) => type);
  expect(types.filter((type) => type.startsWith('sync_'))).toEqual(['sync_cancelled', 'sync_succeeded']);
});

test('deleting an account during its sync ends the sync and leaves no row', async () => {
  dovecot.addUser('cancel-deleted', { INBOX: mails(0, 1500) });
  const account = await connectAccount(service, dovecot, 'cancel-deleted');
  const others = await rowsByTable();
  const runId = await startSync(service, account);
  await middleOf(runId);
  await using watcher = await watchSocket(service, progressOf(account));
  await waitFor(() => watcher.frames.length > 0, { what: 'the present state' });
  await service.data('mutation ($id: ID!) { deleteEmailAccount(id: $id) }', { id: account });
  expect(await waitFor(() => lastFrame(watcher, runId), { what: 'the last frame' })).toMatchObject({
    status: 'CANCELLED',
  });
  await workerStopped(runId);
  const { email_account: accounts, event, ...mail } = await rowsByTable();
  expect({ email_account: accounts! + 1, event: event! + 1, ...mail }).toEqual(others);
  expect(service.log()).not.toMatch(/"level":[56]0/);
});

test("another tenant's and unknown runs are NOT_FOUND", async () => {
  for (const id of ['', 'x', 'U3luY1J1bjp4', Buffer.from(`SyncRun:${crypto.randomUUID()}`).toString('base64url')]) {
    const { errors } = await service.ask('mutation ($id: ID!) { cancelEmailSync(runId: $id) { id } }', { id });
    expect(errors?.[0]?.extensions.code, id).toBe('NOT_FOUND');
  }
});

function rowsByTable(): Promise<Record<string, number>> {
  const tables = ['email_account', 'event', 'mailbox', 'message_location', 'message', 'pack', 'attachment'];
  return withDatabase({ databaseUrl }, async (client) => {
    const counts: Record<string, number> = {};
    for (const table of [...tables, 'thread', 'thread_reference', 'sync_run']) {
      counts[table] = (await client.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${table}`)).rows[0]!.n;
    }
    return counts;
  });
}
