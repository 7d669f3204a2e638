import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { truth } from '../../lab/assertions/server-truth.ts';
import { storedTruth, withDatabase } from '../../lab/assertions/stored-truth.ts';
import { mails } from '../../lab/mail/mails.ts';
import { openTunnel } from '../../lab/proxies/tunnel.ts';
import { startScriptedImap } from '../../lab/scripted-servers/scripted-imap.ts';
import { startDovecot } from '../../lab/servers/dovecot.ts';
import { dovecot, postgres } from '../../lab/servers/shared-servers.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import { statusOf } from '../../lab/service/status.ts';
import {
  connectAccount,
  eventsOf,
  finishedRun,
  startSync,
  sync,
  syncRun,
  verifyChain,
} from '../../lab/service/sync.ts';
import { progressOf, watchSocket } from '../../lab/service/watch.ts';
import { waitFor } from '../../lab/wait.ts';
import { ERRORS } from '../../src/errors.ts';
import { startScriptedMailbox } from '../imap/scripted-mailbox.ts';

vi.setConfig({ testTimeout: 60_000 });
const API_KEY = `mt_test_${randomBytes(32).toString('base64url')}`;
let databaseUrl: string;
let service: Service;

const start = () =>
  startService({
    databaseUrl,
    environment: { API_KEY, SYNC_MAX_RETRIES: '2', SYNC_RETRY_BASE_SECONDS: '3600' },
  });

beforeAll(async () => {
  databaseUrl = await postgres.createDatabase();
  service = await start();
});

afterAll(() => service?.stop());

/** Skips the rest of every wait. */
const letTimePass = () =>
  withDatabase({ databaseUrl }, async (client) => {
    await client.query(`UPDATE sync_run SET next_attempt_at = now() WHERE status = 'WAITING_RETRY'`);
    await client.query('UPDATE email_account SET throttled_until = now() WHERE throttled_until IS NOT NULL');
  });

const inState = (account: string, state: string) =>
  waitFor(
    async () => {
      const status = await statusOf(service, account);
      return status.state === state && status;
    },
    { what: `the state ${state}`, timeoutMs: 20_000 },
  );

const minutesUntil = (at: string | null | undefined) => (Date.parse(at!) - Date.now()) / 60_000;

const cancel = (id: string) => service.data('mutation ($id: ID!) { cancelEmailSync(runId: $id) { id } }', { id });

test('a transient failure is retried later, also after a restart', async () => {
  dovecot.addUser('flaky', { INBOX: mails(0, 30) });
  await using tunnel = await openTunnel(dovecot);
  const account = await connectAccount(service, { ...dovecot, port: tunnel.port }, 'flaky');
  await tunnel.close();
  await using watcher = await watchSocket(service, progressOf(account));
  const runId = await startSync(service, account);

  const { activeRun, ...first } = await inState(account, 'WAITING_RETRY');
  expect(first).toMatchObject({ isSyncing: true, lastSyncStatus: null, syncCount: 0 });
  expect(activeRun).toMatchObject({ id: runId, attempt: 1, retries: 1, error: { code: 'IMAP_UNREACHABLE' } });
  expect(first.message).toContain(activeRun!.nextAttemptAt);
  expect(minutesUntil(activeRun!.nextAttemptAt)).toBeGreaterThan(53);
  expect(minutesUntil(activeRun!.nextAttemptAt)).toBeLessThan(67);
  const frame = await waitFor(() => watcher.frames.find(({ status }) => status === 'WAITING_RETRY'), {
    what: 'a frame',
  });
  expect(frame).toMatchObject({ nextAttemptAt: activeRun!.nextAttemptAt, error: { code: 'IMAP_UNREACHABLE' } });
  // A request for a sync now returns the waiting run.
  expect(await startSync(service, account)).toBe(runId);

  await letTimePass();
  const second = await waitFor(
    async () => {
      const { activeRun: run } = await statusOf(service, account);
      return run?.attempt === 2 && run.status === 'WAITING_RETRY' && run;
    },
    { what: 'the second failure', timeoutMs: 20_000 },
  );
  expect(second.retries).toBe(2);
  expect(minutesUntil(second.nextAttemptAt)).toBeGreaterThan(106);

  await service.stop('SIGKILL');
  service = await start();
  expect((await statusOf(service, account)).activeRun).toMatchObject(second);
  await tunnel.open();
  await letTimePass();
  expect(await finishedRun(service, runId)).toMatchObject({ status: 'SUCCEEDED', attempt: 3, error: null });
  expect(await storedTruth({ databaseUrl }, 'flaky@example.com')).toEqual(await truth({ ...dovecot, user: 'flaky' }));
  expect(await verifyChain(service, account)).toMatchObject({ ok: true });
});

test('a mailbox that is no longer accessible needs new credentials only after an hour', async () => {
  let isOpen = true;
  const notConnected = 'BAD User is authenticated but not connected.';
  await using server = await startScriptedMailbox({
    exists: 0,
    search: ({ tag }) => `* SEARCH\r\n${tag} OK done`,
    reply: ({ tag, command }) => (command === 'LIST' && !isOpen ? `${tag} ${notConnected}` : undefined),
  });
  const account = await connectAccount(service, { ...dovecot, ...server }, 'not-connected');
  await sync(service, account);
  isOpen = false;
  const runId = await startSync(service, account);
  const { activeRun } = await inState(account, 'WAITING_RETRY');
  expect(activeRun).toMatchObject({ id: runId, error: { code: 'MAILBOX_NOT_ACCESSIBLE' } });
  await letTimePass();
  const { message, lastSyncError } = await inState(account, 'NEEDS_AUTH');
  expect(message).toContain('opens no mailbox');
  expect(lastSyncError).toMatchObject({ code: 'MAILBOX_NOT_ACCESSIBLE' });
});

test('after the last retry the run fails, once', async () => {
  await using tunnel = await openTunnel(dovecot);
  dovecot.addUser('down-for-good');
  const account = await connectAccount(service, { ...dovecot, port: tunnel.port }, 'down-for-good');
  await tunnel.close();
  const runId = await startSync(service, account);
  const ended = await waitFor(
    async () => {
      await letTimePass();
      const run = await syncRun(service, runId);
      return run.status === 'FAILED' && run;
    },
    { what: 'the run to give up', timeoutMs: 30_000 },
  );
  expect(ended).toMatchObject({ attempt: 3, error: { code: 'IMAP_UNREACHABLE' } });
  const status = await statusOf(service, account);
  expect(status).toMatchObject({ state: 'FAILED', isSyncing: false, lastSyncStatus: 'FAILED', syncCount: 1 });
  expect(status.lastSyncError).toMatchObject({ code: 'IMAP_UNREACHABLE', hint: expect.stringMatching(/\w{3}/) });
  const types = (await eventsOf(service, account)).map(({ type }) => type);
  expect(types.filter((type) => type.startsWith('sync_'))).toEqual(['sync_failed']);
});

test('a run that waits for a retry can be cancelled, and stays cancelled', async () => {
  await using tunnel = await openTunnel(dovecot);
  dovecot.addUser('cancelled-waiting');
  const account = await connectAccount(service, { ...dovecot, port: tunnel.port }, 'cancelled-waiting');
  await tunnel.close();
  const runId = await startSync(service, account);
  await inState(account, 'WAITING_RETRY');
  await cancel(runId);
  expect(await statusOf(service, account)).toMatchObject({ state: 'CANCELLED', activeRun: null, syncCount: 1 });
  await tunnel.open();
  await sync(service, account);
  expect(await syncRun(service, runId)).toMatchObject({ status: 'CANCELLED', attempt: 1 });
});

test('a permanent failure is not retried', async () => {
  await using server = await startScriptedImap({ greeting: 'HTTP/1.1 400 Bad Request' });
  const account = await unverified('not-imap', server.port);
  const run = await finishedRun(service, await startSync(service, account));
  expect(run).toMatchObject({ status: 'FAILED', attempt: 1, error: { code: 'IMAP_NOT_IMAP' } });
});

test('refused credentials stop all logins until the credentials change', async () => {
  const [old, changed] = ['old-tide-4711', 'new-tide-0815'];
  await using server = await startDovecot({ password: old });
  server.addUser('locked-out', { INBOX: mails(0, 20) });
  const account = await connectAccount(service, server, 'locked-out');
  await sync(service, account);
  const config = join(server.folder, 'dovecot.conf');
  writeFileSync(config, readFileSync(config, 'utf8').replaceAll(old, changed));
  await server.doveadm('reload');

  const runId = await startSync(service, account);
  expect(await finishedRun(service, runId)).toMatchObject({ status: 'FAILED', attempt: 1 });
  const status = await statusOf(service, account);
  expect(status).toMatchObject({
    state: 'NEEDS_AUTH',
    nextSyncAt: null,
    needsAuthSince: expect.any(String),
    lastSyncError: { code: 'IMAP_AUTH_FAILED', hint: expect.stringContaining('credentials') },
    syncCount: 2,
  });
  const events = await eventsOf(service, account);
  expect(events.slice(-2).map(({ type }) => type)).toEqual(['sync_failed', 'account_needs_auth']);
  const again = await service.ask('mutation ($id: ID!) { startEmailSync(accountId: $id) { status } }', { id: account });
  expect(again.errors?.[0]?.extensions.code).toBe('ACCOUNT_NEEDS_AUTH');
  const all = 'mutation { startAllEmailSyncs { run { account { id } } } }';
  const { startAllEmailSyncs } = await service.data<{ startAllEmailSyncs: { run: { account: { id: string } } }[] }>(
    all,
  );
  expect(startAllEmailSyncs.map(({ run }) => run.account.id)).not.toContain(account);

  await service.data(
    'mutation ($id: ID!, $input: UpdateEmailAccountInput!) { updateEmailAccount(id: $id, input: $input) { id } }',
    { id: account, input: { credentials: { password: changed } } },
  );
  const repaired = await statusOf(service, account);
  // The outcome of the last run stays in status and history until the next one ends.
  expect(repaired).toMatchObject({
    state: 'FAILED',
    needsAuthSince: null,
    lastSyncError: { code: 'IMAP_AUTH_FAILED' },
  });
  expect(await syncRun(service, runId)).toMatchObject({ status: 'FAILED', error: { code: 'IMAP_AUTH_FAILED' } });
  await sync(service, account);
  expect((await eventsOf(service, account)).map(({ type }) => type)).toContain('account_reconnected');
});

test('a pause that a provider asks for is respected, and affects one account only', async () => {
  let throttled = true;
  await using server = await startScriptedMailbox({
    exists: 0,
    reply: ({ tag, command }) =>
      throttled && command === 'SELECT'
        ? `${tag} BAD Request is throttled. Suggested Backoff Time: 7200000 milliseconds`
        : undefined,
    search: ({ tag }) => `* SEARCH\r\n${tag} OK done`,
  });
  const account = await unverified('throttled', server.port);
  const neighbour = await unverified('neighbour', server.port);
  const runId = await startSync(service, account);
  const status = await inState(account, 'THROTTLED');
  expect(minutesUntil(status.throttledUntil)).toBeGreaterThan(119);
  expect(minutesUntil(status.throttledUntil)).toBeLessThan(133);
  expect(status.message).toBe(`Paused by the provider until ${status.throttledUntil}.`);
  expect(status.activeRun).toMatchObject({
    id: runId,
    status: 'WAITING_RETRY',
    retries: 0,
    nextAttemptAt: status.throttledUntil,
    error: { code: 'IMAP_THROTTLED', message: ERRORS.IMAP_THROTTLED.sentence },
  });

  // A new run waits as well; another account at the same server does not.
  await cancel(runId);
  expect(await statusOf(service, account)).toMatchObject({ state: 'THROTTLED', activeRun: null });
  const next = await startSync(service, account);
  throttled = false;
  expect(await finishedRun(service, await startSync(service, neighbour))).toMatchObject({ status: 'SUCCEEDED' });
  expect(await syncRun(service, next)).toMatchObject({ status: 'QUEUED' });
  expect(await statusOf(service, account)).toMatchObject({ state: 'THROTTLED' });
  await letTimePass();
  expect(await finishedRun(service, next)).toMatchObject({ status: 'SUCCEEDED' });
  expect(await statusOf(service, account)).toMatchObject({ state: 'SUCCEEDED', throttledUntil: null });
});

async function unverified(name: string, port: number): Promise<string> {
  const { createEmailAccount } = await service.data<{ createEmailAccount: { id: string } }>(
    'mutation ($input: CreateEmailAccountInput!) { createEmailAccount(input: $input) { id } }',
    {
      input: {
        emailAddress: `${name}@example.com`,
        imap: { host: '127.0.0.1', port, security: 'NONE' },
        credentials: { password: 'secret' },
        verify: false,
      },
    },
  );
  return createEmailAccount.id;
}
