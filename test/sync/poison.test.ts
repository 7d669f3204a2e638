import { chmodSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type MailboxReceipt, receiptOf } from '../../lab/assertions/receipt.ts';
import { truth } from '../../lab/assertions/server-truth.ts';
import { storedTruth, withDatabase } from '../../lab/assertions/stored-truth.ts';
import { RawImap } from '../../lab/imap-client/raw-imap.ts';
import { mails } from '../../lab/mail/mails.ts';
import { dovecot, postgres } from '../../lab/servers/shared-servers.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import { connectAccount, finishedRun, startSync, sync } from '../../lab/service/sync.ts';
import { startScriptedMailbox } from '../imap/scripted-mailbox.ts';

let service: Service;
let databaseUrl: string;

beforeAll(async () => {
  databaseUrl = await postgres.createDatabase();
  service = await startService({ databaseUrl, environment: { MAX_MESSAGE_BYTES: String(1024 * 1024) } });
});

afterAll(() => service?.stop());

const inDatabase = <Row>(sql: string): Promise<Row[]> =>
  withDatabase({ databaseUrl }, async (client) => (await client.query(sql)).rows as Row[]);
const maildir = (user: string, path = ''): string => join(dovecot.folder, 'mail', user, path);
const expectSameAsServer = async (user: string): Promise<void> =>
  expect(await storedTruth({ databaseUrl }, `${user}@example.com`)).toEqual(await truth({ ...dovecot, user }));

async function receipt(runId: string): Promise<MailboxReceipt[]> {
  return (await receiptOf(service, runId))!.mailboxes;
}

/** Makes messages unreadable for Dovecot, which closes the connection on each (imap_fetch_failure). */
function makeUnreadable(user: string, ...places: number[]): () => void {
  const folder = maildir(user, 'cur');
  const files = readdirSync(folder)
    .toSorted()
    .filter((_, i) => places.includes(i + 1));
  for (const file of files) chmodSync(join(folder, file), 0);
  return () => {
    for (const file of files) chmodSync(join(folder, file), 0o600);
  };
}

test('messages that crash the server are found, quarantined, retried and stored', async () => {
  dovecot.addUser('poison', { INBOX: mails(0, 300), Archive: mails(300, 310) });
  const account = await connectAccount(service, dovecot, 'poison');
  const makeReadable = makeUnreadable('poison', 7, 150, 151);

  const first = await sync(service, account);
  expect(first.stats.messagesFetched).toBe(307);
  const gaps = [7, 150, 151].map((uid) => ({ uid: String(uid), reason: 'NOT_SERVED' }));
  expect(await receipt(first.id)).toMatchObject([
    { mailbox: 'INBOX', proof: 'UID_SET', storedMessages: 297, serverMessages: 300, complete: false, gaps },
    { mailbox: 'Archive', complete: true, gaps: [] },
  ]);

  // The retry is not due yet: the run does not ask for them.
  const second = await sync(service, account);
  expect(second.messagesProcessed).toBe(0);
  expect(await receipt(second.id)).toMatchObject([{ complete: false, gaps }, { complete: true }]);

  // The delays double.
  const waits = () =>
    inDatabase<{ attempts: number; minutes: number }>(
      `SELECT l.attempts, round(extract(epoch FROM l.retry_at - now()) / 60)::int AS minutes FROM message_location l
       WHERE l.state = 'QUARANTINED' AND l.uid = 7`,
    );
  const due = (at = 'now()') =>
    inDatabase(`UPDATE message_location SET retry_at = ${at} WHERE state = 'QUARANTINED' AND uid = 7`);
  expect(await waits()).toEqual([{ attempts: 1, minutes: 20 }]);
  await due();
  await sync(service, account);
  expect(await waits()).toEqual([{ attempts: 2, minutes: 40 }]);

  makeReadable();
  // Further away than any delay: written by a clock that was ahead.
  await due(`now() + interval '1 day'`);
  expect((await sync(service, account)).stats.messagesFetched).toBe(1);
  // A full sync asks for all of them, whether due or not.
  const full = await sync(service, account, 'FULL');
  expect(full.stats.messagesFetched).toBe(2);
  expect(await receiptOf(service, full.id)).toMatchObject({ complete: true });
  await expectSameAsServer('poison');
});

test.each([
  ['', [4, 5, 17], 0],
  [', the newest ones', [18, 19, 20], 0],
  [', with wrong sizes for all', [4, 5, 17], 7],
  [', the newest ones, with wrong sizes', [18, 19, 20], 7],
])('messages that the server refuses one by one are found by bisection%s', async (_, refused, tooLarge) => {
  const rows = Array.from({ length: 20 }, (_, i) => i + 1);
  const bodyOf = (uid: number) => `Subject: number ${uid}\r\n\r\nhello\r\n`;
  const within = (set: string) => {
    const ranges = set.split(',').map((range) => range.split(':').map(Number));
    return rows.filter((uid) => ranges.some(([from = 0, to = from]) => uid >= from && uid <= to));
  };
  await using server = await startScriptedMailbox({
    exists: 20,
    search: ({ tag, rest }) =>
      `* SEARCH ${within(rest.split('UID ').at(-1)!.replace('*', '99')).join(' ')}\r\n${tag} OK done`,
    fetch: ({ tag, rest }) => {
      const asked = within(rest.split(' ')[1]!);
      if (!rest.includes('BODY')) {
        const metadata = asked.map(
          (uid) =>
            `* ${uid} FETCH (UID ${uid} FLAGS () INTERNALDATE "01-Nov-2026 10:00:00 +0000" RFC822.SIZE ${bodyOf(uid).length + tooLarge})`,
        );
        return [...metadata, `${tag} OK done`].join('\r\n');
      }
      if (asked.some((uid) => refused.includes(uid)))
        return `${tag} NO [UNAVAILABLE] Server error while fetching messages`;
      const bodies = asked.map((uid) => {
        const body = bodyOf(uid);
        return `* ${uid} FETCH (UID ${uid} BODY[] {${body.length}}\r\n${body})`;
      });
      return [...bodies, `${tag} OK done`].join('\r\n');
    },
  });
  const account = await connectAccount(service, { ...dovecot, ...server }, `yahoo-${refused[0]}-${tooLarge}`);
  const run = await sync(service, account);
  expect(run.stats.messagesFetched).toBe(17);
  expect(await receipt(run.id)).toMatchObject([
    { storedMessages: 17, gaps: refused.map((uid) => ({ uid: String(uid), reason: 'NOT_SERVED' })) },
  ]);
});

test('if the first requested message crashes the server, the first run continues', async () => {
  dovecot.addUser('first-poison', { INBOX: mails(0, 10) });
  const account = await connectAccount(service, dovecot, 'first-poison');
  makeUnreadable('first-poison', 1, 2);
  const run = await sync(service, account);
  expect(run.stats.messagesFetched).toBe(8);
  const gaps = ['1', '2'].map((uid) => ({ uid, reason: 'NOT_SERVED' }));
  expect(await receipt(run.id)).toMatchObject([{ storedMessages: 8, gaps }]);
});

test('a message that the database rejects is quarantined, and stored later', async () => {
  const odd = { bytes: Buffer.from('Subject: not storable\r\nMessage-ID: <odd@example.com>\r\n\r\nx\r\n') };
  dovecot.addUser('odd', { INBOX: [...mails(0, 20), odd, ...mails(20, 40)] });
  const account = await connectAccount(service, dovecot, 'odd');
  await inDatabase(`
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'untranslatable' USING ERRCODE = '22P05'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON message FOR EACH ROW WHEN (NEW.subject = 'not storable')
      EXECUTE FUNCTION refuse()`);
  const run = await sync(service, account);
  await inDatabase('DROP TRIGGER refuse ON message; DROP FUNCTION refuse');
  expect(run.stats.messagesFetched).toBe(40);
  const gaps = [{ uid: '21', reason: 'NOT_STORABLE' }];
  expect(await receipt(run.id)).toMatchObject([{ storedMessages: 40, serverMessages: 41, complete: false, gaps }]);
  expect((await sync(service, account, 'FULL')).stats.messagesFetched).toBe(1);
  await expectSameAsServer('odd');
});

test.each(['NO [UNAVAILABLE] later', '* BYE Session expired'])(
  'a server that serves nothing (%s) does not mark messages unreadable',
  async (answer) => {
    let isServing = true;
    await using server = await startScriptedMailbox({
      exists: 4,
      search: ({ tag, rest }) => {
        const found = isServing && !rest.includes('1:*') ? [1, 2] : [1, 2, 3, 4];
        return `* SEARCH ${found.join(' ')}\r\n${tag} OK done`;
      },
      fetch: ({ tag, rest }, socket) => {
        if (!rest.includes('BODY')) {
          const rows = [1, 2, 3, 4].map(
            (uid) => `* ${uid} FETCH (UID ${uid} FLAGS () INTERNALDATE "01-Nov-2026 10:00:00 +0000" RFC822.SIZE 4)`,
          );
          return [...rows, `${tag} OK done`].join('\r\n');
        }
        if (isServing) {
          return [...[1, 2].map((uid) => `* ${uid} FETCH (UID ${uid} BODY[] {4}\r\nA: ${uid})`), `${tag} OK done`].join(
            '\r\n',
          );
        }
        if (!answer.startsWith('*')) return `${tag} ${answer}`;
        socket.end(`${answer}\r\n`);
        return '';
      },
    });
    const account = await connectAccount(service, { ...dovecot, ...server }, `out-${answer.length}`);
    const first = await sync(service, account);
    expect(first.stats.messagesFetched).toBe(2);
    isServing = false;
    const run = await finishedRun(service, await startSync(service, account, 'FULL'));
    expect(run).toMatchObject({
      status: 'FAILED',
      error: { code: answer.startsWith('*') ? 'IMAP_CONNECTION_LOST' : 'IMAP_SERVER_REFUSED' },
    });
  },
);

test('a message above the limit is stored as its header, whole once it is raised', async () => {
  dovecot.addUser('giants', { INBOX: mails(0, 5) });
  using actor = await RawImap.login({ ...dovecot, user: 'giants' });
  const header = 'From: Ann <ann@example.com>\r\nSubject: holiday film\r\nMessage-ID: <film@example.com>\r\n';
  await actor.append('INBOX', Buffer.from(`${header}\r\n${'all the pixels\r\n'.repeat(100_000)}`));
  const account = await connectAccount(service, dovecot, 'giants');
  const run = await sync(service, account);
  expect(await receipt(run.id)).toMatchObject([
    { serverMessages: 6, storedMessages: 5, complete: false, gaps: [{ uid: '6', reason: 'TOO_LARGE' }] },
  ]);
  type Film = {
    messages: { edges: { node: { subject: string; headersOnly: boolean; text: string; locations: object[] } }[] };
  };
  const film = async (on: Service) => {
    const { messages } = await on.data<Film>(
      `query ($account: ID!) { messages(accountId: $account, search: "holiday") { edges { node {
        subject headersOnly text locations { state size quarantineReason }
      } } } }`,
      { account },
    );
    return messages.edges.map(({ node }) => node);
  };
  expect(await film(service)).toMatchObject([
    {
      subject: 'holiday film',
      headersOnly: true,
      text: '',
      locations: [{ state: 'QUARANTINED', quarantineReason: 'TOO_LARGE' }],
    },
  ]);
  // Nothing changes while the limit does not.
  expect((await sync(service, account, 'FULL')).stats).toMatchObject({ messagesFetched: 0, eventsCreated: 0 });

  await service.stop();
  service = await startService({ databaseUrl, environment: { API_KEY: service.apiKey } });
  expect((await sync(service, account)).stats.messagesFetched).toBe(1);
  expect(await film(service)).toMatchObject([{ headersOnly: false, locations: [{ state: 'STORED' }] }]);
  await expectSameAsServer('giants');
});
