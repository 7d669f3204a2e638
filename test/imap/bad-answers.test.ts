import { afterEach, describe, expect, test } from 'vitest';
import { SILENCE } from '../../lab/scripted-servers/scripted-imap.ts';
import { openImapConnection } from '../../src/imap/open-connection.ts';
import { all, bodyRow, loginTo, ScriptedSession, SHORT, startScriptedMailbox } from './scripted-mailbox.ts';

/** Answers of servers that are not what the client asked for. */
const session = new ScriptedSession();
afterEach(() => session.close());

describe('rows of a FETCH', () => {
  test('fetchSources, missing, repeated, unrequested, empty and NIL bodies', async () => {
    const bodies = [
      '* 1 FETCH (UID 1 FLAGS (\\Seen))',
      bodyRow(1, 'one'),
      bodyRow(1, 'one again'),
      '* 9 FETCH (UID 9 FLAGS (\\Flagged))',
      bodyRow(8, 'never asked for'),
      '* 3 FETCH (UID 3 BODY[] NIL)',
      '* 4 FETCH (UID 4 BODY[] "")',
      '* 5 FETCH (UID 5 BODY[] "")',
      '* 6 FETCH (BODY[] {3}\r\nsix)',
      '* 7 FETCH (UID 7 BODY[] "seven")',
    ];
    const sizes = ['* 4 FETCH (UID 4 RFC822.SIZE 10)', '* 5 FETCH (UID 5 RFC822.SIZE 0)'];
    const imap = await session.selected(
      startScriptedMailbox({
        exists: 9,
        fetch: ({ tag, rest }) => [...(rest.includes('BODY') ? bodies : sizes), `${tag} OK done`].join('\r\n'),
      }),
    );
    const rows = await all(imap.fetchSources([1, 2, 3, 4, 5, 6, 7]));
    expect(rows.map(({ uid, source }) => [uid, source?.toString()])).toEqual([
      [1, 'one'],
      [7, 'seven'],
      [5, ''],
    ]);
    expect(session.server?.received.at(-1)).toContain('UID FETCH 4:5 (UID RFC822.SIZE)');
  });

  test('fetchMetadata, split, repeated, unrequested and incomplete rows', async () => {
    const imap = await session.selected(
      startScriptedMailbox({
        fetch: ({ tag }) =>
          [
            '* 2 FETCH (UID 2 FLAGS (\\seen \\Recent work))',
            '* 1 FETCH (UID 1 FLAGS () RFC822.SIZE 11 INTERNALDATE "23-Nov-2026 10:00:00 +0000")',
            '* 2 FETCH (UID 2 RFC822.SIZE 22 INTERNALDATE "23-Nov-2026 11:00:00 +0000")',
            '* 1 FETCH (UID 1 FLAGS () RFC822.SIZE 11 INTERNALDATE "23-Nov-2026 10:00:00 +0000")',
            '* 5 FETCH (UID 5 FLAGS () RFC822.SIZE 55 INTERNALDATE "23-Nov-2026 10:00:00 +0000")',
            '* 3 FETCH (UID 3 FLAGS ())',
            '* 4 FETCH (UID 4 FLAGS () RFC822.SIZE 44 INTERNALDATE "some day")',
            `${tag} OK done`,
          ].join('\r\n'),
      }),
    );
    expect(await all(imap.fetchMetadata([1, 2, 3, 4]))).toEqual([
      { uid: 1, flags: [], internalDate: new Date('2026-11-23T10:00:00Z'), size: 11, modseq: null, emailId: null },
      {
        uid: 2,
        flags: ['\\Seen', 'work'],
        internalDate: new Date('2026-11-23T11:00:00Z'),
        size: 22,
        modseq: null,
        emailId: null,
      },
      { uid: 4, flags: [], internalDate: null, size: 44, modseq: null, emailId: null },
    ]);
  });

  test('fetchMetadata, flags sent twice, takes the last', async () => {
    const imap = await session.selected(
      startScriptedMailbox({
        fetch: ({ tag }) =>
          `* 1 FETCH (UID 1 FLAGS ())\r\n* 1 FETCH (UID 1 FLAGS (\\Seen))\r\n* 2 FETCH (FLAGS ())\r\n${tag} OK done`,
      }),
    );
    expect(await imap.fetchFlags('1:2')).toEqual([{ uid: 1, flags: ['\\Seen'], modseq: null }]);
  });

  test('a drop in the middle of rows keeps the earlier rows and rejects', async () => {
    const imap = await session.selected(
      startScriptedMailbox({
        fetch: (_, socket) => {
          socket.end(`${bodyRow(1, 'one')}\r\n* 2 FETCH (UID 2 BODY[] {100}\r\nhalf`);
          return SILENCE;
        },
      }),
    );
    const uids: number[] = [];
    const reading = (async () => {
      for await (const { uid } of imap.fetchSources([1, 2])) uids.push(uid);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'IMAP_CONNECTION_LOST' });
    expect(uids).toEqual([1]);
    await expect(imap.list()).rejects.toMatchObject({ code: 'IMAP_CONNECTION_LOST' });
  });
});

describe('changes', () => {
  const withQresync = 'IMAP4rev1 ENABLE CONDSTORE QRESYNC';

  test('returns VANISHED (EARLIER), and keeps other VANISHED responses apart', async () => {
    const imap = await session.selected(
      startScriptedMailbox({
        capability: withQresync,
        fetch: ({ tag, rest }) => {
          expect(rest).toContain('(CHANGEDSINCE 90 VANISHED)');
          return [
            '* VANISHED (EARLIER) 2,4:5',
            '* 1 FETCH (UID 1 FLAGS (\\Seen) MODSEQ (95))',
            '* VANISHED 3',
            '* 9 FETCH (UID 99 FLAGS () MODSEQ (101))',
            `${tag} OK done`,
          ].join('\r\n');
        },
      }),
    );
    const { changed, vanished } = await imap.fetchChanges(5, 90n);
    expect(changed).toEqual([{ uid: 1, flags: ['\\Seen'], modseq: 95n }]);
    expect(String(vanished)).toBe('2,4:5');
    expect(String(imap.takeVanished())).toBe('3');
  });

  test('an empty answer to ENABLE still allows asking for changes', async () => {
    const imap = await session.selected(
      startScriptedMailbox({
        capability: 'IMAP4rev1 ENABLE CONDSTORE',
        reply: ({ tag, command }) => (command === 'ENABLE' ? `* ENABLED\r\n${tag} OK done` : undefined),
        fetch: ({ tag }) => `${tag} OK done`,
      }),
    );
    expect(imap.server.level).toBe('CONDSTORE');
    expect((await imap.fetchChanges(5, 90n)).changed).toEqual([]);
    expect(session.server?.received.at(-1)).toContain('CHANGEDSINCE 90');
  });

  test('a HIGHESTMODSEQ without CONDSTORE is ignored', async () => {
    const imap = await session.selected(startScriptedMailbox({}));
    expect(imap.server.level).toBe('NONE');
    expect((await imap.select('INBOX')).highestModseq).toBeNull();
  });
});

test.each([
  ['imap.example.com', /^(?=.*\bCONDSTORE\b)(?=.*\bQRESYNC\b)(?!.*IMAP4rev2)/i, 'QRESYNC'],
  ['imap.mail.me.com', /^(?=.*\bCONDSTORE\b)(?!.*QRESYNC)(?!.*IMAP4rev2)/i, 'CONDSTORE'],
])('ENABLE at %s: no QRESYNC for iCloud, no IMAP4rev2 anywhere', async (host, enabled, level) => {
  const server = await startScriptedMailbox({ capability: 'IMAP4rev1 IMAP4rev2 ENABLE CONDSTORE QRESYNC' });
  session.server = server;
  const connection = await openImapConnection(
    { ...loginTo(server), host, addresses: [server.host] },
    { deadlines: SHORT },
  );
  session.connection = connection;
  expect(server.received.filter((line) => line.includes('ENABLE'))).toEqual([expect.stringMatching(enabled)]);
  expect(connection.server.level).toBe(level);
});

describe('a refused command', () => {
  test.each([
    ['NO not now', 'IMAP_SERVER_REFUSED'],
    ['BAD what', 'IMAP_SERVER_REFUSED'],
    ['NO [THROTTLED] slowly', 'IMAP_THROTTLED'],
  ])('SEARCH %s rejects, and is never an empty mailbox', async (answer, code) => {
    const imap = await session.selected(startScriptedMailbox({ search: ({ tag }) => `${tag} ${answer}` }));
    await expect(imap.searchUids('1:*')).rejects.toMatchObject({ code });
  });

  test('an empty SEARCH response is an empty list', async () => {
    const imap = await session.selected(startScriptedMailbox({ search: ({ tag }) => `* SEARCH\r\n${tag} OK done` }));
    expect(await imap.searchUids('1:*')).toEqual([]);
  });

  test.each([
    ['NO [UNAVAILABLE] UID FETCH Server error while fetching messages', 'IMAP_SERVER_REFUSED'],
    ['NO [OVERQUOTA] Account exceeded command or bandwidth limits', 'IMAP_QUOTA_EXCEEDED'],
  ])('FETCH %s rejects', async (answer, code) => {
    const imap = await session.selected(startScriptedMailbox({ fetch: ({ tag }) => `${tag} ${answer}` }));
    await expect(all(imap.fetchSources([1]))).rejects.toMatchObject({ code });
  });

  test("Microsoft's throttling ends the connection at once instead of waiting minutes", async () => {
    const imap = await session.selected(
      startScriptedMailbox({
        fetch: ({ tag }) => `${tag} BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds`,
      }),
    );
    await expect(all(imap.fetchSources([1]))).rejects.toMatchObject({ code: 'IMAP_THROTTLED' });
  });

  test('a failed STATUS is unknown, not zero', async () => {
    const imap = await session.selected(
      startScriptedMailbox({ reply: ({ tag, command }) => (command === 'STATUS' ? `${tag} NO sorry` : undefined) }),
    );
    expect(await imap.list()).toMatchObject([{ path: 'INBOX', status: null }]);
  });
});
