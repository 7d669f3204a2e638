import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { explainPlace } from '../../lab/assertions/explain-difference.ts';
import { expectOnlyRead } from '../../lab/assertions/read-only.ts';
import { receiptOf } from '../../lab/assertions/receipt.ts';
import { repeatedFacts } from '../../lab/assertions/repeated-facts.ts';
import { type MailboxTruth, truth } from '../../lab/assertions/server-truth.ts';
import { storedTruth, withDatabase } from '../../lab/assertions/stored-truth.ts';
import { RawImap } from '../../lab/imap-client/raw-imap.ts';
import { mails } from '../../lab/mail/mails.ts';
import { openBlackHole } from '../../lab/proxies/black-hole.ts';
import { type FaultProxy, openFaultProxy } from '../../lab/proxies/fault-proxy.ts';
import { type Dovecot, startDovecot } from '../../lab/servers/dovecot.ts';
import type { ServerProcess } from '../../lab/servers/server-process.ts';
import { postgres } from '../../lab/servers/shared-servers.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import {
  connectAccount,
  eventsOf,
  type FinishedRun,
  finishedRun,
  startSync,
  sync,
  syncRun,
  verifyChain,
} from '../../lab/service/sync.ts';
import { waitFor } from '../../lab/wait.ts';
import { COMMAND_FAULTS, CONNECTION_FAULTS, type FaultCase, ROW_FAULTS } from './faults.ts';

/**
 * A second sync with many changes meets a fault between the service and the mail server. In each case the service stays
 * up, no row is wrong, no cursor passes unread changes, the status names the fault, and the first run after the fault
 * makes both sides equal.
 */
const levels = [
  ['QRESYNC', undefined],
  ['neither', 'IMAP4rev1 IDLE UIDPLUS NAMESPACE'],
] as const;

vi.setConfig({ testTimeout: 90_000 });

describe.each(levels)('a fault on a server with %s', (_level, capability) => {
  let server: Dovecot & ServerProcess;
  let service: Service;
  let databaseUrl: string;
  let proxy: FaultProxy;
  let users = 0;

  beforeAll(async () => {
    server = await startDovecot(capability ? { capability } : {});
    databaseUrl = await postgres.createDatabase();
    // Deadlines of a second, so that silence ends soon.
    service = await startService({ databaseUrl, environment: { IMAP_TIMEOUT_SECONDS: '1' } });
    proxy = await openFaultProxy(server);
  }, 60_000);

  afterAll(async () => {
    await service?.stop();
    await proxy?.[Symbol.asyncDispose]();
    await server?.stop();
  });

  /** Connects an account, syncs it, and then makes many changes on its server. */
  async function changedAccount(): Promise<{ account: string; user: string }> {
    users += 1;
    const user = `fault${users}`;
    server.addUser(user, { INBOX: mails(0, 12), Archive: mails(12, 20) });
    const account = await connectAccount(service, { ...server, port: proxy.port }, user);
    await sync(service, account);
    server.deliver(user, 'INBOX', mails(20, 26));
    server.deliver(user, 'Archive', mails(26, 30));
    server.deliver(user, 'Work', mails(30, 34));
    using actor = await RawImap.login({ ...server, user });
    await actor.select('INBOX');
    await actor.store('2,5', '+FLAGS', '\\Flagged', 'Later');
    await actor.copy('6', 'Archive');
    await actor.move('7', 'Archive');
    await actor.expunge('8:9');
    return { account, user };
  }

  const stored = (user: string) => storedTruth({ databaseUrl }, `${user}@example.com`);

  const cursorOfInbox = (user: string) =>
    withDatabase({ databaseUrl }, async (client) => {
      const { rows } = await client.query(
        `SELECT b.uid_validity, b.uid_next, b.highest_modseq, b.enumerated_up_to, b.generation, b.last_synced_at
         FROM mailbox b JOIN email_account a ON a.id = b.account_id WHERE a.email_address = $1 AND b.path = 'INBOX'`,
        [`${user}@example.com`],
      );
      return rows[0];
    });

  async function lastError(account: string): Promise<{ isSyncing: boolean; lastSyncError: { code: string } | null }> {
    const { syncStatus } = await service.data<{
      syncStatus: { isSyncing: boolean; lastSyncError: { code: string } | null };
    }>('query ($id: ID!) { syncStatus(accountId: $id) { isSyncing lastSyncError { code } } }', { id: account });
    return syncStatus;
  }

  /** A run that has ended, or that waits for a pause which the provider asked for. */
  const attempted = (runId: string): Promise<FinishedRun> =>
    waitFor(
      async () => {
        const run = await syncRun(service, runId);
        return ['SUCCEEDED', 'FAILED', 'WAITING_RETRY'].includes(run.status) && run;
      },
      { what: 'the end of the attempt', timeoutMs: 60_000 },
    );

  const cancel = (runId: string) =>
    service.data('mutation ($id: ID!) { cancelEmailSync(runId: $id) { id } }', { id: runId });

  /**
   * Clears what a fault leaves beside its run, which has tests of its own: a cooling host, a pause, a refused login.
   */
  async function letItTryAgain(account: string): Promise<void> {
    await withDatabase({ databaseUrl }, async (client) => {
      await client.query('DELETE FROM imap_host');
      await client.query('UPDATE email_account SET throttled_until = NULL');
    });
    await service.data(
      'mutation ($id: ID!, $input: UpdateEmailAccountInput!) { updateEmailAccount(id: $id, input: $input) { id } }',
      { id: account, input: { credentials: { password: server.password } } },
    );
  }

  const connectTo = (account: string, username: string, port: number) =>
    service.data(
      'mutation ($id: ID!, $input: UpdateEmailAccountInput!) { updateEmailAccount(id: $id, input: $input) { id } }',
      { id: account, input: { imap: { host: server.host, port, security: 'NONE', username }, verify: false } },
    );

  async function expectRecovery(account: string, user: string): Promise<void> {
    proxy.fault = null;
    await letItTryAgain(account);
    await sync(service, account);
    expect(await stored(user)).toEqual(await truth({ ...server, user }));
    expect(await lastError(account)).toEqual({ isSyncing: false, lastSyncError: null });
    expect(await verifyChain(service, account)).toMatchObject({ ok: true });
    expect(repeatedFacts(await eventsOf(service, account))).toEqual([]);
  }

  // The server's capabilities do not affect how a connection fails.
  const faults = [...(capability ? [] : CONNECTION_FAULTS), ...COMMAND_FAULTS, ...ROW_FAULTS];

  test.each<FaultCase>(faults)('$what: $ends', async ({ fault, ends, partly }) => {
    const { account, user } = await changedAccount();
    const [before, cursor] = [await stored(user), await cursorOfInbox(user)];
    const real = await truth({ ...server, user });
    proxy.fault = fault();
    const runId = await startSync(service, account);
    const run = await attempted(runId);
    proxy.fault = null;
    expect(run.error?.code ?? run.status).toBe(ends);
    expectNoWrongRow(await stored(user), [before, real]);
    if (ends !== 'SUCCEEDED') {
      if (run.status === 'WAITING_RETRY') await cancel(runId);
      else expect(await lastError(account)).toMatchObject({ isSyncing: false, lastSyncError: { code: ends } });
      expect(await cursorOfInbox(user)).toEqual(cursor);
    } else if (!partly) {
      expect(await stored(user)).toEqual(real);
    }
    await expectRecovery(account, user);
    // Includes \Seen: reading through the proxy changed no flag.
    expect(await stored(user)).toEqual(real);
  });

  test('lost SYNs end the run with IMAP_TIMEOUT, and the next run succeeds', async () => {
    const { account, user } = await changedAccount();
    const [before, cursor] = [await stored(user), await cursorOfInbox(user)];
    await using hole = await openBlackHole();
    await connectTo(account, user, hole.port);
    const run = await finishedRun(service, await startSync(service, account));
    expect(run).toMatchObject({ status: 'FAILED', error: { code: 'IMAP_TIMEOUT' } });
    expect(await lastError(account)).toMatchObject({ isSyncing: false, lastSyncError: { code: 'IMAP_TIMEOUT' } });
    expect([await stored(user), await cursorOfInbox(user)]).toEqual([before, cursor]);
    await connectTo(account, user, proxy.port);
    await expectRecovery(account, user);
  });

  test('a server that sends one byte at a time is not silent, and the run succeeds', async () => {
    const { account, user } = await changedAccount();
    let dripped = 0;
    proxy.fault = {
      response({ command }, wire) {
        if (command?.name === 'SELECT') wire.drip(200, () => (dripped += 1));
        return undefined;
      },
    };
    const runId = await startSync(service, account);
    // Three times as long as the deadline for silence.
    await waitFor(() => dripped >= 15, { what: 'some bytes' });
    expect(await syncRun(service, runId)).toMatchObject({ status: 'RUNNING' });
    proxy.fault = null;
    expect(await finishedRun(service, runId)).toMatchObject({ status: 'SUCCEEDED' });
    await expectRecovery(account, user);
  });

  test('a body that is not served is quarantined, blocks nothing, and is stored later', async () => {
    const { account, user } = await changedAccount();
    const inbox = (mailboxes: MailboxTruth[]) => mailboxes.find(({ path }) => path === 'INBOX')!.messages;
    const receipt = async (runId: string) =>
      (await receiptOf(service, runId))!.mailboxes.find(({ mailbox }) => mailbox === 'INBOX');
    const story = async () =>
      (await explainPlace(service, account, 'INBOX', 16)).map(({ kind, detail }) => `${kind} ${detail ?? ''}`.trim());
    const isDue = () =>
      withDatabase({ databaseUrl }, (client) =>
        client.query(`UPDATE message_location SET retry_at = now() WHERE state = 'QUARANTINED'`),
      );
    proxy.fault = {
      response: ({ command, line, row }) =>
        command?.line.includes('BODY.PEEK') && row > 0 && /UID 16 /.test(line) ? '' : undefined,
    };
    const first = await sync(service, account);
    const [real, have] = [await truth({ ...server, user }), await stored(user)];
    expect(inbox(have).get(16)).toMatchObject({ sha256: 'QUARANTINED' });
    const [missing, there] = [inbox(have), inbox(real)];
    for (const messages of [missing, there]) messages.delete(16);
    expect(have).toEqual(real);
    expect(first.stats.messagesFetched).toBeGreaterThan(12);
    const gap = { uid: '16', reason: 'NOT_SERVED' };
    expect(await receipt(first.id)).toMatchObject({ complete: false, gaps: [gap] });
    expect(await story()).toEqual(['SEEN', 'QUARANTINED NOT_SERVED, attempt 1']);

    // Retried without success when the retry is due, and not before.
    await sync(service, account);
    expect(await story()).toHaveLength(2);
    await isDue();
    expect(await receipt((await sync(service, account)).id)).toMatchObject({ complete: false, gaps: [gap] });
    proxy.fault = null;
    await isDue();
    const last = await sync(service, account);
    expect(last.stats).toMatchObject({ messagesFetched: 1, messagesCreated: 1 });
    expect(await receipt(last.id)).toMatchObject({ complete: true, gaps: [] });
    expect(await stored(user)).toEqual(await truth({ ...server, user }));
    expect(await story()).toEqual([
      'SEEN',
      'QUARANTINED NOT_SERVED, attempt 1',
      'QUARANTINED NOT_SERVED, attempt 2',
      expect.stringMatching(/^FETCHED \d+ bytes, SHA-256 [0-9a-f]{64}$/),
    ]);
  });

  test('no command that could change a mailbox was sent', () => expectOnlyRead(proxy.commands));
});

/** Every stored message with bytes is one that the server has or had at this UID. */
function expectNoWrongRow(stored: MailboxTruth[], truths: MailboxTruth[][]): void {
  const known = new Set(truths.flat().flatMap(placesOf));
  expect(stored.flatMap(placesOf).filter((place) => !known.has(place))).toEqual([]);
}

function placesOf({ path, uidValidity, messages }: MailboxTruth): string[] {
  return [...messages]
    .filter(([, { sha256 }]) => !['PENDING', 'QUARANTINED'].includes(sha256))
    .map(([uid, { sha256, flags, internalDate }]) =>
      [path, uidValidity, uid, flags, internalDate?.toISOString(), sha256].join(' '),
    );
}
