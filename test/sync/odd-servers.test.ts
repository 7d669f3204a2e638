import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { truth } from '../../lab/assertions/server-truth.ts';
import { rowVersions, storedTruth } from '../../lab/assertions/stored-truth.ts';
import { RawImap } from '../../lab/imap-client/raw-imap.ts';
import { mails } from '../../lab/mail/mails.ts';
import { openTunnel } from '../../lab/proxies/tunnel.ts';
import { startDovecot } from '../../lab/servers/dovecot.ts';
import { dovecot, postgres } from '../../lab/servers/shared-servers.ts';
import { logOf } from '../../lab/service/log-lines.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import { connectAccount, type FinishedRun, finishedRun, startSync, sync, syncRun } from '../../lab/service/sync.ts';
import { waitFor } from '../../lab/wait.ts';
import { ERRORS } from '../../src/errors.ts';
import { startScriptedMailbox } from '../imap/scripted-mailbox.ts';

vi.setConfig({ testTimeout: 60_000 });
let databaseUrl: string;
let service: Service;

beforeAll(async () => {
  databaseUrl = await postgres.createDatabase();
  service = await startService({ databaseUrl, environment: { LOG_LEVEL: 'trace' } });
});

afterAll(() => service?.stop());

type Status = {
  isSyncing: boolean;
  lastSyncStatus: string;
  lastSyncError: { code: string; message: string } | null;
  syncCount: number;
};

async function statusOf(account: string): Promise<Status> {
  const { syncStatus } = await service.data<{ syncStatus: Status }>(
    `query ($id: ID!) {
      syncStatus(accountId: $id) { isSyncing lastSyncStatus lastSyncError { code message } syncCount }
    }`,
    { id: account },
  );
  return syncStatus;
}

/** A sync that must fail; returns what the account's status then is. */
async function failedSync(account: string): Promise<FinishedRun & { said: Status }> {
  const run = await finishedRun(service, await startSync(service, account));
  expect(run.status).toBe('FAILED');
  const said = await statusOf(account);
  expect(said).toMatchObject({ isSyncing: false, lastSyncStatus: 'FAILED', lastSyncError: run.error });
  return { ...run, said };
}

const expectSameAsServer = async (user: string): Promise<void> =>
  expect(await storedTruth({ databaseUrl }, `${user}@example.com`)).toEqual(await truth({ ...dovecot, user }));

test('an empty mailbox is synced', async () => {
  dovecot.addUser('empty');
  const account = await connectAccount(service, dovecot, 'empty');
  for (const _ of ['first', 'again']) {
    const { messagesProcessed, messagesTotal, stats } = await sync(service, account);
    expect([messagesProcessed, messagesTotal, stats.messagesFetched, stats.mailboxesSynced]).toEqual([0, 0, 0, 1]);
  }
  expect(await storedTruth({ databaseUrl }, 'empty@example.com')).toMatchObject([
    { path: 'INBOX', messages: new Map() },
  ]);
});

test('a server without a selectable mailbox is synced', async () => {
  await using server = await startScriptedMailbox({
    reply: ({ command, tag }) => (command === 'LIST' ? `* LIST (\\Noselect) "/" Shared\r\n${tag} OK done` : undefined),
  });
  const account = await connectAccount(service, { ...dovecot, ...server }, 'none');
  for (const _ of ['first', 'again']) {
    const { messagesTotal, stats } = await sync(service, account);
    expect({ messagesTotal, ...stats }).toMatchObject({ messagesTotal: 0, mailboxesSynced: 0, eventsCreated: 0 });
  }
  expect(server.received.filter((line) => /SELECT|EXAMINE/.test(line))).toEqual([]);
});

test('a server that lists nothing any more deletes nothing', async () => {
  let path: string | null = 'INBOX';
  await using server = await startScriptedMailbox({
    exists: 0,
    search: ({ tag }) => `* SEARCH\r\n${tag} OK done`,
    reply: ({ command, tag }) =>
      command === 'LIST' ? `${path ? `* LIST () "/" ${path}\r\n` : ''}${tag} OK done` : undefined,
  });
  const account = await connectAccount(service, { ...dovecot, ...server }, 'forgetful');
  await sync(service, account);
  const before = await rowVersions({ databaseUrl });
  path = null;
  expect((await failedSync(account)).error).toMatchObject({ code: 'IMAP_INVALID_ANSWER' });
  expect(await rowVersions({ databaseUrl })).toBe(before);
  path = 'INBOX';
  await sync(service, account);
});

test('a changed password is reported, and appears nowhere', async () => {
  const [old, changed] = ['old-tide-4711', 'new-tide-0815'];
  await using server = await startDovecot({ password: old });
  server.addUser('changed', { INBOX: mails(0, 20) });
  const account = await connectAccount(service, server, 'changed');
  await sync(service, account);
  const config = join(server.folder, 'dovecot.conf');
  writeFileSync(config, readFileSync(config, 'utf8').replaceAll(old, changed));
  await server.doveadm('reload');
  // A connection during the change of its processes may be cut.
  const refused = (error: Error) => error.message.includes('NO');
  await waitFor(
    () => RawImap.login({ ...server, user: 'changed', password: old }).then((client) => client.close(), refused),
    { what: 'the old password to be refused' },
  );

  const { error, said } = await failedSync(account);
  expect(error).toEqual({ code: 'IMAP_AUTH_FAILED', message: ERRORS.IMAP_AUTH_FAILED.sentence });
  expect(said.syncCount).toBe(2);
  const answers = await service.ask(
    `query ($id: ID!) {
      emailAccount(id: $id) { emailAddress displayName imap { host port security username } }
      events(accountId: $id, last: 5) { edges { node { type payload } } }
    }`,
    { id: account },
  );
  expect(answers.errors).toBeUndefined();

  await service.data(
    'mutation ($id: ID!, $input: UpdateEmailAccountInput!) { updateEmailAccount(id: $id, input: $input) { id } }',
    {
      id: account,
      input: { credentials: { password: changed } },
    },
  );
  expect((await statusOf(account)).lastSyncError).toMatchObject({ code: 'IMAP_AUTH_FAILED' });
  await sync(service, account);
  expect((await statusOf(account)).lastSyncError).toBeNull();
  for (const secret of [old, changed].flatMap((one) => [one, btoa(one), btoa(`\0changed\0${one}`)])) {
    expect(JSON.stringify(answers)).not.toContain(secret);
    expect(service.log()).not.toContain(secret);
  }
  expect(service.log()).toContain('IMAP_AUTH_FAILED');
});

test('a server that is down, and up again later, is synced', async () => {
  dovecot.addUser('down', { INBOX: mails(0, 20) });
  await using tunnel = await openTunnel(dovecot);
  const account = await connectAccount(service, { ...dovecot, port: tunnel.port }, 'down');
  await tunnel.close();
  const { error, stats } = await failedSync(account);
  expect(error).toEqual({ code: 'IMAP_UNREACHABLE', message: ERRORS.IMAP_UNREACHABLE.sentence });
  expect(stats.messagesFetched).toBe(0);
  await tunnel.open();
  await sync(service, account);
  expect(await statusOf(account)).toMatchObject({ lastSyncStatus: 'SUCCEEDED', lastSyncError: null, syncCount: 2 });
  await expectSameAsServer('down');
});

test('a connection that breaks repeatedly keeps its progress; the next run completes', async () => {
  dovecot.addUser('broken', { INBOX: mails(0, 400) });
  await using tunnel = await openTunnel(dovecot);
  const account = await connectAccount(service, { ...dovecot, port: tunnel.port }, 'broken');
  tunnel.limit(192 * 1024, 'cut');
  const { error, stats } = await failedSync(account);
  expect(error?.code).toBe('IMAP_CONNECTION_LOST');
  expect(stats.messagesFetched).toBeGreaterThan(20);
  tunnel.unlimit();
  const rest = await sync(service, account);
  expect(rest.stats.messagesFetched).toBe(400 - stats.messagesFetched);
  await expectSameAsServer('broken');
});

test('a server that falls silent can be cancelled, and loses nothing', async () => {
  dovecot.addUser('hanging', { INBOX: mails(0, 400) });
  await using tunnel = await openTunnel(dovecot);
  const account = await connectAccount(service, { ...dovecot, port: tunnel.port }, 'hanging');
  tunnel.limit(1024 * 1024, 'hang');
  const runId = await startSync(service, account);
  await waitFor(async () => (await syncRun(service, runId)).messagesProcessed > 20, { what: 'the first messages' });
  await service.data('mutation ($id: ID!) { cancelEmailSync(runId: $id) { id } }', { id: runId });
  const stopped = () => logOf(service, runId).includes('"sync stopped"');
  await waitFor(stopped, { what: 'the worker to stop', timeoutMs: 2000 });
  tunnel.unlimit();
  await sync(service, account);
  await expectSameAsServer('hanging');
});
