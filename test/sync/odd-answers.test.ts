import { afterAll, beforeAll, expect, test } from 'vitest';
import { receiptOf } from '../../lab/assertions/receipt.ts';
import { truth } from '../../lab/assertions/server-truth.ts';
import { storedTruth, withDatabase } from '../../lab/assertions/stored-truth.ts';
import { RawImap } from '../../lab/imap-client/raw-imap.ts';
import { mails } from '../../lab/mail/mails.ts';
import { openFaultProxy, type Wire } from '../../lab/proxies/fault-proxy.ts';
import { dovecot, postgres } from '../../lab/servers/shared-servers.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import { connectAccount, sync } from '../../lab/service/sync.ts';
import { startScriptedMailbox } from '../imap/scripted-mailbox.ts';

/** Answers that are valid or common, and must not disturb a sync. */
let service: Service;
let databaseUrl: string;

beforeAll(async () => {
  databaseUrl = await postgres.createDatabase();
  service = await startService({ databaseUrl });
});

afterAll(() => service?.stop());

const expectSameAsServer = async (user: string): Promise<void> =>
  expect(await storedTruth({ databaseUrl }, `${user}@example.com`)).toEqual(await truth({ ...dovecot, user }));

test('the largest numbers of the protocol are stored', async () => {
  const [uid, uidValidity, modseq] = [4_294_967_290, 4_294_967_295, 9_223_372_036_854_775_000n];
  let flags = '';
  let highestModseq = modseq;
  await using server = await startScriptedMailbox({
    capability: 'IMAP4rev1 ENABLE CONDSTORE QRESYNC',
    reply: ({ command, tag }) =>
      command === 'SELECT'
        ? `* 1 EXISTS\r\n* OK [UIDVALIDITY ${uidValidity}] ok\r\n* OK [UIDNEXT ${uid + 1}] ok\r\n* OK [HIGHESTMODSEQ ${highestModseq}] ok\r\n${tag} OK done`
        : undefined,
    search: ({ tag }) => `* SEARCH ${uid}\r\n${tag} OK done`,
    fetch: ({ tag, rest }) => {
      const item = rest.includes('BODY')
        ? 'BODY[] {4}\r\nA: b'
        : `FLAGS (${flags}) INTERNALDATE "01-Nov-2026 10:00:00 +0000" RFC822.SIZE 4 MODSEQ (${highestModseq})`;
      return `* 1 FETCH (UID ${uid} ${item})\r\n${tag} OK done`;
    },
  });
  const account = await connectAccount(service, { ...dovecot, ...server }, 'large-numbers');
  expect(await receiptOf(service, (await sync(service, account)).id)).toMatchObject({ complete: true });
  [flags, highestModseq] = ['\\Seen', modseq + 1n];
  expect((await sync(service, account)).stats).toMatchObject({ messagesFetched: 0, messagesUpdated: 1 });
  expect(server.received.find((line) => line.includes('CHANGEDSINCE'))).toContain(`CHANGEDSINCE ${modseq}`);
  const [mailbox] = await storedTruth({ databaseUrl }, 'large-numbers@example.com');
  expect(mailbox).toMatchObject({ uidValidity, messages: new Map([[uid, { flags: ['\\Seen'] }]]) });
});

test('`n:*` returns the last message if its UID is below n: it is not new', async () => {
  dovecot.addUser('sparse', { INBOX: mails(0, 520) });
  const account = await connectAccount(service, dovecot, 'sparse');
  await sync(service, account);
  using actor = await RawImap.login({ ...dovecot, user: 'sparse' });
  await actor.select('INBOX');
  await actor.expunge('1:2,4:*');
  for (const mode of ['INCREMENTAL', 'FULL', 'INCREMENTAL']) {
    const run = await sync(service, account, mode);
    expect(run.stats.messagesFetched).toBe(0);
    expect(await receiptOf(service, run.id)).toMatchObject({ complete: true, mailboxes: [{ repairs: 0 }] });
    await expectSameAsServer('sparse');
  }
});

test('a mailbox that changes to NOMODSEQ is synced without them and loses its cursor', async () => {
  let [says, flags] = ['[HIGHESTMODSEQ 100]', ''];
  await using server = await startScriptedMailbox({
    capability: 'IMAP4rev1 ENABLE CONDSTORE',
    reply: ({ command, tag }) =>
      command === 'SELECT'
        ? `* 1 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 2] ok\r\n* OK ${says} ok\r\n${tag} OK done`
        : undefined,
    search: ({ tag }) => `* SEARCH 1\r\n${tag} OK done`,
    fetch: ({ tag, rest }) => {
      const item = rest.includes('BODY')
        ? 'BODY[] {4}\r\nA: b'
        : `FLAGS (${flags}) INTERNALDATE "01-Nov-2026 10:00:00 +0000" RFC822.SIZE 4`;
      return `* 1 FETCH (UID 1 ${item})\r\n${tag} OK done`;
    },
  });
  const account = await connectAccount(service, { ...dovecot, ...server }, 'no-modseq');
  const cursor = () =>
    withDatabase({ databaseUrl }, async (client) => {
      const { rows } = await client.query<{ cursor: string | null }>(
        `SELECT m.highest_modseq AS cursor FROM mailbox m JOIN email_account a ON a.id = m.account_id
         WHERE a.email_address = 'no-modseq@example.com'`,
      );
      return rows[0]!.cursor;
    });
  await sync(service, account);
  expect(await cursor()).toBe('100');
  [says, flags] = ['[NOMODSEQ]', '\\Seen'];
  expect((await sync(service, account)).stats).toMatchObject({ messagesFetched: 0, messagesUpdated: 1 });
  expect(await cursor()).toBeNull();
  expect(server.received.filter((line) => line.includes('CHANGEDSINCE'))).toEqual([]);
});

test('a mailbox that appears empty is asked again elsewhere; nothing is deleted', async () => {
  dovecot.addUser('believed', { INBOX: mails(0, 60) });
  await using proxy = await openFaultProxy(dovecot);
  const account = await connectAccount(service, { ...dovecot, port: proxy.port }, 'believed');
  await sync(service, account);
  let [liar, lied] = [null as Wire | null, false];
  proxy.fault = {
    connected(wire) {
      liar ??= wire;
    },
    response({ line }, wire) {
      if (wire !== liar || !/^\* (SEARCH|\d+ EXISTS)/.test(line)) return undefined;
      lied = true;
      return line.startsWith('* SEARCH') ? '* SEARCH\r\n' : '* 0 EXISTS\r\n';
    },
  };
  const run = await sync(service, account, 'FULL');
  proxy.fault = null;
  expect(lied).toBe(true);
  expect(run.stats.messagesDeleted).toBe(0);
  expect(await receiptOf(service, run.id)).toMatchObject({
    complete: false,
    mailboxes: [{ storedMessages: 60, proof: null, gaps: [{ uid: null, reason: 'NOT_EQUAL' }] }],
  });
  await sync(service, account, 'FULL');
  await expectSameAsServer('believed');
});
