import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { truth } from '../../lab/assertions/server-truth.ts';
import { storedTruth, withDatabase } from '../../lab/assertions/stored-truth.ts';
import { mails } from '../../lab/mail/mails.ts';
import { startScriptedImap } from '../../lab/scripted-servers/scripted-imap.ts';
import { dovecot, postgres } from '../../lab/servers/shared-servers.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import { statusOf } from '../../lab/service/status.ts';
import { connectAccount, eventsOf, startSync, sync, syncRun } from '../../lab/service/sync.ts';
import { waitFor } from '../../lab/wait.ts';

/** The whole service with its schedule. */
const API_KEY = `mt_test_${randomBytes(32).toString('base64url')}`;
vi.setConfig({ testTimeout: 60_000 });
let databaseUrl: string;
let service: Service;

const start = (environment: Record<string, string> = {}) =>
  startService({ databaseUrl, environment: { API_KEY, SYNC_ENABLED: 'true', ...environment } });

beforeAll(async () => {
  databaseUrl = await postgres.createDatabase();
  service = await start();
});

afterAll(() => service?.stop());

const query = (text: string, values: unknown[] = []) =>
  withDatabase({ databaseUrl }, async (client) => (await client.query(text, values)).rows as Record<string, unknown>[]);

/** Makes the account due now. */
const makeDue = (user: string) =>
  query('UPDATE email_account SET next_sync_at = now() WHERE email_address = $1', [`${user}@example.com`]);

const update = (id: string, input: object) =>
  service.data(
    'mutation ($id: ID!, $input: UpdateEmailAccountInput!) { updateEmailAccount(id: $id, input: $input) { id } }',
    { id, input },
  );

const synced = (account: string, count: number) =>
  waitFor(
    async () => {
      const status = await statusOf(service, account);
      return status.syncCount >= count && status;
    },
    { what: `sync number ${count}`, timeoutMs: 20_000 },
  );

const minutesFromNow = (at: string | null) => (Date.parse(at!) - Date.now()) / 60_000;

test('new mail arrives without any request', async () => {
  dovecot.addUser('by-itself', { INBOX: mails(0, 10) });
  const account = await connectAccount(service, dovecot, 'by-itself');
  const fresh = await statusOf(service, account);
  expect(fresh).toMatchObject({ state: 'NEVER_SYNCED', message: 'Not synced yet.', isSyncing: false, syncCount: 0 });
  expect(fresh).toMatchObject({ lastSyncAt: null, lastSyncStatus: null, lastSyncError: null, activeRun: null });
  expect(minutesFromNow(fresh.nextSyncAt)).toBeGreaterThan(-1);
  expect(minutesFromNow(fresh.nextSyncAt)).toBeLessThanOrEqual(15);

  await makeDue('by-itself');
  await synced(account, 1);
  dovecot.deliver('by-itself', 'INBOX', mails(10, 13));
  await makeDue('by-itself');
  const status = await synced(account, 2);
  expect(status).toMatchObject({ state: 'SUCCEEDED', lastSyncStatus: 'SUCCEEDED', lastSyncError: null });
  expect(minutesFromNow(status.nextSyncAt)).toBeGreaterThan(13);
  expect(await storedTruth({ databaseUrl }, 'by-itself@example.com')).toEqual(
    await truth({ ...dovecot, user: 'by-itself' }),
  );
  const { syncRuns } = await service.data<{ syncRuns: { edges: { node: object }[] } }>(
    `query ($id: ID!) { syncRuns(accountId: $id) { edges { node {
      trigger status attempt stats { messagesFetched durationMs } mailboxes { edges { node { path reason attempt } } }
    } } } }`,
    { id: account },
  );
  expect(syncRuns.edges.map(({ node }) => node)).toMatchObject([
    {
      trigger: 'SCHEDULE',
      status: 'SUCCEEDED',
      stats: { messagesFetched: 3 },
      mailboxes: { edges: [{ node: { path: 'INBOX', reason: 'HIGHESTMODSEQ_INCREASED', attempt: 1 } }] },
    },
    { stats: { messagesFetched: 10 }, mailboxes: { edges: [{ node: { reason: 'FIRST_SYNC' } }] } },
  ]);
});

test('syncs that became due during downtime are replaced by one', async () => {
  dovecot.addUser('missed', { INBOX: mails(0, 5) });
  const account = await connectAccount(service, dovecot, 'missed');
  await service.stop();
  await query(`UPDATE email_account SET next_sync_at = now() - interval '5 hours' WHERE email_address = $1`, [
    'missed@example.com',
  ]);
  service = await start();
  const status = await synced(account, 1);
  expect(minutesFromNow(status.nextSyncAt)).toBeGreaterThan(7);
  expect(
    await query('SELECT 1 FROM sync_run r JOIN email_account a ON a.id = r.account_id WHERE email_address = $1', [
      'missed@example.com',
    ]),
  ).toHaveLength(1);
});

test('a failing account and a hanging one delay no other', async () => {
  await using silent = await startScriptedImap();
  const broken = await unverified('due-broken', 9);
  const hanging = await unverified('due-hanging', silent.port);
  dovecot.addUser('due-well', { INBOX: mails(0, 5) });
  const well = await connectAccount(service, dovecot, 'due-well');
  for (const user of ['due-broken', 'due-hanging', 'due-well']) await makeDue(user);
  expect(await synced(well, 1)).toMatchObject({ state: 'SUCCEEDED' });
  expect(await synced(broken, 1)).toMatchObject({ state: 'FAILED', lastSyncError: { code: 'IMAP_UNREACHABLE' } });
  expect(await statusOf(service, hanging)).toMatchObject({ state: 'RUNNING', activeRun: { trigger: 'SCHEDULE' } });
  await service.data('mutation ($id: ID!) { deleteEmailAccount(id: $id) }', { id: hanging });
});

describe('pausing', () => {
  test('ends the running sync and the schedule; resuming restores both', async () => {
    dovecot.addUser('paused', { INBOX: mails(0, 1500) });
    const account = await connectAccount(service, dovecot, 'paused');
    const runId = await startSync(service, account);
    await waitFor(async () => (await syncRun(service, runId)).messagesProcessed > 100, { what: 'the middle' });
    await update(account, { isActive: false });
    const paused = await statusOf(service, account);
    expect(paused).toMatchObject({ state: 'PAUSED', isActive: false, isSyncing: false, nextSyncAt: null });
    expect(paused).toMatchObject({ lastSyncStatus: 'CANCELLED', activeRun: null });

    await update(account, { isActive: true });
    expect(await synced(account, 2)).toMatchObject({ state: 'SUCCEEDED', nextSyncAt: expect.any(String) });
    expect(await storedTruth({ databaseUrl }, 'paused@example.com')).toEqual(
      await truth({ ...dovecot, user: 'paused' }),
    );
    const types = (await eventsOf(service, account)).map(({ type }) => type);
    expect(types.filter((type) => type.startsWith('account_'))).toEqual([
      'account_connected',
      'account_paused',
      'account_resumed',
    ]);
  });

  test('a shorter interval takes effect at once', async () => {
    dovecot.addUser('interval');
    const account = await connectAccount(service, dovecot, 'interval');
    await update(account, { syncIntervalMinutes: 10_080 });
    await query(`UPDATE email_account SET next_sync_at = now() + interval '6 days' WHERE email_address = $1`, [
      'interval@example.com',
    ]);
    await update(account, { syncIntervalMinutes: 2 });
    expect(minutesFromNow((await statusOf(service, account)).nextSyncAt)).toBeLessThanOrEqual(2);
  });
});

test('SYNC_ENABLED=false: nothing becomes due, and requested syncs run', async () => {
  dovecot.addUser('unscheduled', { INBOX: mails(0, 5) });
  await using other = await startService({ databaseUrl: await postgres.createDatabase(), environment: { API_KEY } });
  const account = await connectAccount(other, dovecot, 'unscheduled');
  expect(await statusOf(other, account)).toMatchObject({ state: 'NEVER_SYNCED', nextSyncAt: null });
  await sync(other, account);
  expect(await statusOf(other, account)).toMatchObject({ state: 'SUCCEEDED', nextSyncAt: null, syncCount: 1 });
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
