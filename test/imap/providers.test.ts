import { afterEach, describe, expect, test } from 'vitest';
import { parseCaseScript } from '../../lab/scripted-servers/case-script.ts';
import { type CaseServer, startCaseServer } from '../../lab/scripted-servers/case-server.ts';
import type { ImapConnection } from '../../src/imap/connection.ts';
import { openImapConnection } from '../../src/imap/open-connection.ts';
import { all, loginTo, SHORT } from './scripted-mailbox.ts';

/** Answers of Microsoft, Gmail and iCloud that no server here can be made to send. */
let server: CaseServer | undefined;
let connection: ImapConnection | undefined;

afterEach(async () => {
  await connection?.close();
  await server?.[Symbol.asyncDispose]();
  server = connection = undefined;
});

const MAILBOX = 'mailbox INBOX\nmessage 1 one\nmessage 2 two\n';

/** Connects to Exchange with one mailbox, which answers as the script states. */
async function connected(script: string, more: Parameters<typeof loginTo>[1] = {}): Promise<ImapConnection> {
  server = await startCaseServer(parseCaseScript(`exchange\n${MAILBOX}${script}`));
  connection = await openImapConnection(loginTo(server, more), { deadlines: SHORT });
  return connection;
}

const COMMANDS: [command: string, (imap: ImapConnection) => Promise<unknown>][] = [
  ['LIST', (imap) => imap.list()],
  ['STATUS', (imap) => imap.list()],
  ['SELECT', (imap) => imap.select('INBOX')],
  ['UID SEARCH', async (imap) => (await imap.select('INBOX')) && imap.searchUids('1:*')],
  ['UID FETCH', async (imap) => (await imap.select('INBOX')) && all(imap.fetchMetadata([1, 2]))],
  ['UID FETCH', async (imap) => (await imap.select('INBOX')) && all(imap.fetchSources([1, 2]))],
];

describe.each(['NO', 'BAD'])('Exchange that throttles with %s', (status) => {
  const answer = `  $TAG ${status} Request is throttled. Suggested Backoff Time: 92415 milliseconds`;

  test.each(COMMANDS)('in answer to %s, gets the pause that it asks for', async (command, ask) => {
    const imap = await connected(`on ${command}\n${answer}`);
    await expect(ask(imap)).rejects.toMatchObject({ code: 'IMAP_THROTTLED', retryAfterMs: 92_415 });
  });

  test.each([
    ['LOGIN', { password: 'secret' }],
    ['AUTHENTICATE', { accessToken: 'secret' }],
  ])('in answer to %s, gets the pause that it asks for', async (command, credentials) => {
    const opening = connected(`on ${command}\n${answer}`, { credentials });
    await expect(opening).rejects.toMatchObject({ code: 'IMAP_THROTTLED', retryAfterMs: 92_415 });
  });
});

test.each(COMMANDS)('Exchange with an outage, in answer to %s, refuses', async (command, ask) => {
  const imap = await connected(`on ${command}\n  $TAG NO Server Unavailable. 15`);
  // A refused STATUS only leaves the status unknown.
  if (command === 'STATUS') expect(await ask(imap)).toMatchObject([{ path: 'INBOX', status: null }]);
  else await expect(ask(imap)).rejects.toMatchObject({ code: 'IMAP_SERVER_REFUSED' });
});

test.each(COMMANDS)(
  'Exchange that disconnects silently, in answer to %s, is a lost connection',
  async (command, ask) => {
    const imap = await connected(`on ${command}\n  !close`);
    await expect(ask(imap)).rejects.toMatchObject({ code: 'IMAP_CONNECTION_LOST' });
  },
);

const NOT_CONNECTED = '  $TAG BAD User is authenticated but not connected.';

test.each([{ password: 'secret' }, { accessToken: 'secret' }])(
  'Exchange that accepts %o and then opens no mailbox, reports why',
  async (credentials) => {
    const opening = connected(`on NAMESPACE\n${NOT_CONNECTED}`, { credentials });
    await expect(opening).rejects.toMatchObject({ code: 'MAILBOX_NOT_ACCESSIBLE' });
  },
);

test.each(COMMANDS.filter(([command]) => command !== 'UID SEARCH'))(
  'Exchange that closes the mailbox later, in answer to %s, reports why',
  async (command, ask) => {
    const imap = await connected(`on ${command}\n${NOT_CONNECTED}`);
    await expect(ask(imap)).rejects.toMatchObject({ code: 'MAILBOX_NOT_ACCESSIBLE' });
  },
);

test('Exchange that refuses a token without a reason, refuses the credentials', async () => {
  const opening = connected('on AUTHENTICATE\n  $TAG NO AUTHENTICATE failed.', { credentials: { accessToken: 'old' } });
  await expect(opening).rejects.toMatchObject({ code: 'IMAP_AUTH_FAILED' });
});

test('Exchange without extensions is read', async () => {
  const imap = await connected('', { credentials: { accessToken: 'secret' } });
  expect(imap.server).toMatchObject({ level: 'NONE', isGmail: false });
  expect(await imap.list()).toMatchObject([{ path: 'INBOX', status: { messages: 2, highestModseq: null } }]);
  expect(await imap.select('INBOX')).toMatchObject({ exists: 2, uidNext: 3, highestModseq: null });
  expect((await all(imap.fetchSources([1, 2]))).map(({ uid }) => uid)).toEqual([1, 2]);
  expect(server!.received.filter((line) => /ENABLE|CONDSTORE|RETURN/.test(line))).toEqual([]);
});

test('Exchange that refuses large sets, is asked for smaller ones', async () => {
  const isLarge = (set: string) => set.length > 20;
  const uids = Array.from({ length: 40 }, (_, i) => 2 * i + 1);
  const messages = uids.map((uid) => `message ${uid} number-${uid}`).join('\n');
  server = await startCaseServer(parseCaseScript(`exchange\nmailbox INBOX\n${messages}`), (response, { rest }) => {
    const [set = ''] = /^FETCH (\S+)/.exec(rest)?.slice(1) ?? [];
    if (!isLarge(set)) return [response];
    return / OK /.test(response) ? [response.replace(/ OK .*/, ' BAD Command Error. 12')] : [];
  });
  connection = await openImapConnection(loginTo(server), { deadlines: SHORT });
  await connection.select('INBOX');
  expect((await all(connection.fetchMetadata(uids))).map(({ uid }) => uid)).toEqual(uids);
  expect((await connection.fetchFlags(uids.join(','))).map(({ uid }) => uid)).toEqual(uids);
  expect((await connection.fetchHeaders(uids)).map(({ uid }) => uid)).toEqual(uids);
  expect(server.received.filter((line) => line.includes('FETCH'))).toHaveLength(3 * 9);
});

test('Gmail that delays its answers with [THROTTLED], is read', async () => {
  const imap = await connected(`
on LOGIN
  $TAG OK ann authenticated (Success) [THROTTLED]
on SELECT
  * 2 EXISTS
  * OK [UIDVALIDITY 1600000000] ok
  * OK [UIDNEXT 3] ok
  $TAG OK [READ-WRITE] INBOX selected. (Success) [THROTTLED]
on UID SEARCH
  * SEARCH 1 2
  $TAG OK SEARCH completed (Success) [THROTTLED]
on UID FETCH
  * 1 FETCH (UID 1 FLAGS ())
  * 2 FETCH (UID 2 FLAGS ())
  $TAG OK Success [THROTTLED]`);
  await imap.select('INBOX');
  expect(await imap.searchUids('1:*')).toEqual([1, 2]);
  expect((await imap.fetchFlags('1:2')).map(({ uid }) => uid)).toEqual([1, 2]);
});

test.each([
  ['LOGIN', { password: 'secret' }],
  ['AUTHENTICATE', { accessToken: 'secret' }],
])('iCloud that is unavailable, in answer to %s, does not refuse the credentials', async (command, credentials) => {
  const opening = connected(`on ${command}\n  $TAG BAD [UNAVAILABLE] Service temporarily unavailable`, { credentials });
  await expect(opening).rejects.toMatchObject({ code: 'IMAP_AUTH_UNAVAILABLE' });
  expect(server!.received.filter((line) => /LOGIN|AUTHENTICATE/.test(line))).toHaveLength(1);
});
