import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { receiptOf } from '../../lab/assertions/receipt.ts';
import { repeatedFacts } from '../../lab/assertions/repeated-facts.ts';
import { truth } from '../../lab/assertions/server-truth.ts';
import { rowVersions, storedTruth, withDatabase } from '../../lab/assertions/stored-truth.ts';
import { RawImap } from '../../lab/imap-client/raw-imap.ts';
import { mails } from '../../lab/mail/mails.ts';
import { CAPABILITY_LEVELS } from '../../lab/servers/capability-levels.ts';
import { startDovecot } from '../../lab/servers/dovecot.ts';
import { dovecot, postgres } from '../../lab/servers/shared-servers.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import { connectAccount, eventsOf, finishedRun, startSync, sync } from '../../lab/service/sync.ts';
import { startScriptedMailbox } from '../imap/scripted-mailbox.ts';

let service: Service;
let databaseUrl: string;

beforeAll(async () => {
  databaseUrl = await postgres.createDatabase();
  service = await startService({ databaseUrl });
});

afterAll(() => service?.stop());

describe.each(CAPABILITY_LEVELS)('an alternating UIDVALIDITY, on a server with %s', (level, capability) => {
  test('is believed three times, and later only if UIDs name other messages', async () => {
    await using server = await startDovecot(capability ? { capability } : {});
    const user = `to-and-fro-${level.toLowerCase()}`;
    server.addUser(user, { INBOX: [], Shuttle: mails(0, 30), Other: mails(50, 80) });
    const account = await connectAccount(service, server, user);
    using actor = await RawImap.login({ ...server, user });
    const rows = () =>
      withDatabase({ databaseUrl }, async (client) => {
        const { rows: counted } = await client.query<{ count: number }>(
          `SELECT count(*)::int FROM message_location l JOIN mailbox m ON m.id = l.mailbox_id
           JOIN email_account a ON a.id = m.account_id WHERE a.email_address = $1 AND m.path = 'Shuttle'`,
          [`${user}@example.com`],
        );
        return counted[0]!.count;
      });
    const syncAndCompare = async () => {
      const run = await sync(service, account);
      expect(await storedTruth({ databaseUrl }, `${user}@example.com`)).toEqual(await truth({ ...server, user }));
      expect(await receiptOf(service, run.id)).toMatchObject({ complete: true });
      return run.stats;
    };
    const renumber = (uidValidity: number) =>
      server.doveadm('mailbox', 'update', '-u', user, '--uid-validity', String(uidValidity), 'Shuttle');
    const resets = async () => (await eventsOf(service, account)).filter(({ type }) => type === 'mailbox_reset').length;
    await syncAndCompare();
    for (let i = 1; i <= 3; i += 1) {
      await renumber(1000 + (i % 2));
      expect(await syncAndCompare()).toMatchObject({ messagesFetched: 0, messagesDeleted: 0 });
    }
    const [rowsBefore, resetsBefore] = [await rows(), await resets()];
    expect(resetsBefore).toBe(3);

    await renumber(1000);
    expect(await syncAndCompare()).toMatchObject({ messagesFetched: 0, messagesDeleted: 0, eventsCreated: 0 });
    // Other changes are found as well.
    await renumber(1001);
    server.deliver(user, 'Shuttle', mails(30, 32));
    await actor.select('Shuttle');
    await actor.store('3', '+FLAGS', '\\Flagged');
    await actor.expunge('5');
    expect(await syncAndCompare()).toMatchObject({ messagesFetched: 2, messagesUpdated: 1, messagesDeleted: 1 });
    expect([await rows(), await resets()]).toEqual([rowsBefore + 2, resetsBefore]);

    // Another UIDVALIDITY again, but with other messages.
    await actor.select('Other');
    await actor.delete('Shuttle');
    await actor.create('Shuttle');
    await actor.copy('1:*', 'Shuttle');
    await renumber(2000);
    await syncAndCompare();
    expect(await resets()).toBe(resetsBefore + 1);
    expect(repeatedFacts(await eventsOf(service, account))).toEqual([]);
  });
});

test('a different UIDVALIDITY at each SELECT resets nothing and loses nothing', async () => {
  let [flips, uidValidity, exists] = [false, 100, 2];
  await using server = await startScriptedMailbox({
    reply: ({ command, tag }) => {
      if (command !== 'SELECT') return undefined;
      if (flips) uidValidity += 1;
      return `* ${exists} EXISTS\r\n* OK [UIDVALIDITY ${uidValidity}] ok\r\n* OK [UIDNEXT ${exists + 1}] ok\r\n${tag} OK done`;
    },
    search: ({ tag }) => `* SEARCH ${exists === 2 ? '1 2' : '1 2 3'}\r\n${tag} OK done`,
    fetch: ({ tag, rest }) => {
      const item = (uid: number) =>
        rest.includes('BODY')
          ? `BODY[] {4}\r\nA: ${uid}`
          : `FLAGS () INTERNALDATE "01-Nov-2026 10:00:0${uid} +0000" RFC822.SIZE 4`;
      const asked = [1, 2, 3].filter((uid) => uid <= exists);
      return [...asked.map((uid) => `* ${uid} FETCH (UID ${uid} ${item(uid)})`), `${tag} OK done`].join('\r\n');
    },
  });
  const account = await connectAccount(service, { ...dovecot, ...server }, 'flips', { verify: false });
  await sync(service, account);
  const before = await rowVersions({ databaseUrl });
  [flips, exists] = [true, 3];
  for (const mode of ['INCREMENTAL', 'FULL']) {
    const run = await finishedRun(service, await startSync(service, account, mode));
    expect(run).toMatchObject({ status: 'FAILED', error: { code: 'IMAP_INVALID_ANSWER' } });
  }
  expect(await rowVersions({ databaseUrl })).toBe(before);
  flips = false;
  const run = await sync(service, account);
  expect(run.stats).toMatchObject({ messagesCreated: 1, messagesDeleted: 0 });
  expect(await receiptOf(service, run.id)).toMatchObject({ complete: true });
});

test('a UIDVALIDITY that changes between listing and fetching keeps what is stored', async () => {
  let [resets, uidValidity, selects] = [false, 7, 0];
  await using server = await startScriptedMailbox({
    exists: 2,
    reply: ({ command, tag }) => {
      if (command !== 'SELECT') return undefined;
      selects += 1;
      // The same twice when it is discovered, another one when its bytes are fetched.
      if (resets && (selects === 1 || selects === 3)) uidValidity += 1;
      return `* 2 EXISTS\r\n* OK [UIDVALIDITY ${uidValidity}] ok\r\n* OK [UIDNEXT 3] ok\r\n${tag} OK done`;
    },
    search: ({ tag }) => `* SEARCH 1 2\r\n${tag} OK done`,
    fetch: ({ tag, rest }) => {
      const item = (uid: number) =>
        rest.includes('BODY')
          ? `BODY[] {4}\r\n${uidValidity}: ${uid}`
          : `FLAGS () INTERNALDATE "01-Nov-2026 10:00:${uidValidity + 10} +0000" RFC822.SIZE 4`;
      return [...[1, 2].map((uid) => `* ${uid} FETCH (UID ${uid} ${item(uid)})`), `${tag} OK done`].join('\r\n');
    },
  });
  const account = await connectAccount(service, { ...dovecot, ...server }, 'hasty-reset', { verify: false });
  await sync(service, account);
  [resets, selects] = [true, 0];
  const run = await sync(service, account);
  expect(run.stats).toMatchObject({ messagesFetched: 0, messagesDeleted: 0 });
  expect(await receiptOf(service, run.id)).toMatchObject({
    complete: false,
    mailboxes: [{ gaps: [{ uid: null, reason: 'SERVER_CONTRADICTS_ITSELF' }, {}, {}] }],
  });
  const shown = 'query ($id: ID!) { messages(accountId: $id) { edges { node { locations { uid } } } } }';
  const { messages } = await service.data<{ messages: { edges: { node: { locations: object[] } }[] } }>(shown, {
    id: account,
  });
  expect(messages.edges.flatMap(({ node }) => node.locations)).toHaveLength(2);
  resets = false;
  const next = await sync(service, account);
  expect(next.stats).toMatchObject({ messagesFetched: 2, messagesDeleted: 2 });
  expect(await receiptOf(service, next.id)).toMatchObject({ complete: true });
});
