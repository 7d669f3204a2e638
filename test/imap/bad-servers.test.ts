import { createServer } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { ERRORS } from '../../src/errors.ts';
import type { ImapConnection } from '../../src/imap/connection.ts';
import { type OpenImapOptions, openImapConnection } from '../../src/imap/open-connection.ts';
import { openBlackHole } from '../support/black-hole.ts';
import { freePort } from '../support/free-port.ts';
import { type Script, type ScriptedImap, SILENCE, startScriptedImap } from '../support/scripted-imap.ts';
import { all, bodyRow, loginTo, PASSWORD, startScriptedMailbox } from './scripted-mailbox.ts';

const SHORT = { connectMs: 500, greetingMs: 300, loginMs: 300, silenceMs: 400, logoutMs: 100 };

let server: ScriptedImap | undefined;
let connection: ImapConnection | undefined;

afterEach(async () => {
  await connection?.close();
  await server?.stop();
  server = connection = undefined;
});

async function selected(started: Promise<ScriptedImap>, options: OpenImapOptions = {}): Promise<ImapConnection> {
  server = await started;
  connection = await openImapConnection(loginTo(server), { deadlines: SHORT, ...options });
  await connection.select('INBOX');
  return connection;
}

async function refused(script: Script, more: Parameters<typeof loginTo>[1] = {}): Promise<unknown> {
  server = await startScriptedImap(script);
  return openImapConnection(loginTo(server, more), { deadlines: SHORT }).then(
    () => 'connected',
    (error) => error,
  );
}

const loginAnswer = (answer: string): Script => ({
  greeting: '* OK ready',
  reply: ({ tag, command }) => (command === 'LOGIN' ? `${tag} ${answer}` : undefined),
});

describe('a connection that comes to nothing', () => {
  test.each<[string, Script, string]>([
    ['silence', {}, 'IMAP_NO_GREETING'],
    ['HTTP', { greeting: 'HTTP/1.1 400 Bad Request' }, 'IMAP_NOT_IMAP'],
    ['SMTP', { greeting: '220 mail.example.com ESMTP' }, 'IMAP_NOT_IMAP'],
    ['POP3', { greeting: '+OK POP3 ready' }, 'IMAP_NOT_IMAP'],
    ['SSH', { greeting: 'SSH-2.0-OpenSSH_9.2' }, 'IMAP_NOT_IMAP'],
    ['BYE', { greeting: '* BYE Too many connections' }, 'IMAP_TURNED_AWAY'],
    ['NO', loginAnswer('NO go away'), 'IMAP_AUTH_FAILED'],
    ['NO [AUTHENTICATIONFAILED]', loginAnswer('NO [AUTHENTICATIONFAILED] wrong'), 'IMAP_AUTH_FAILED'],
    ['NO [UNAVAILABLE]', loginAnswer('NO [UNAVAILABLE] database down'), 'IMAP_AUTH_UNAVAILABLE'],
    ['NO [INUSE]', loginAnswer('NO [INUSE] locked'), 'IMAP_AUTH_UNAVAILABLE'],
    ['NO [LIMIT]', loginAnswer('NO [LIMIT] enough'), 'IMAP_AUTH_UNAVAILABLE'],
    ['NO [CONTACTADMIN]', loginAnswer('NO [CONTACTADMIN] locked'), 'IMAP_CONTACT_ADMIN'],
    ['NO [PRIVACYREQUIRED]', loginAnswer('NO [PRIVACYREQUIRED] use TLS'), 'IMAP_LOGIN_DISABLED'],
    ['BAD', loginAnswer('BAD what'), 'IMAP_AUTH_UNSUPPORTED'],
    [
      'silence after LOGIN',
      { greeting: '* OK ready', reply: ({ command }) => (command === 'LOGIN' ? SILENCE : undefined) },
      'IMAP_TIMEOUT',
    ],
    ['LOGINDISABLED', { greeting: '* OK ready', capability: 'IMAP4rev1 LOGINDISABLED' }, 'IMAP_LOGIN_DISABLED'],
  ])('%s', async (_, script, code) => {
    expect(await refused(script)).toMatchObject({ code, message: ERRORS[code as keyof typeof ERRORS].sentence });
  });

  test('a TLS handshake that is not answered', async () => {
    expect(await refused({ reply: () => SILENCE }, { security: 'TLS' })).toMatchObject({ code: 'IMAP_TIMEOUT' });
  });

  test.each([
    ['STARTTLS', () => SILENCE],
    ['the handshake after STARTTLS', (tag: string) => `${tag} OK go`],
  ])('%s is not answered', async (_, answer) => {
    let asked = false;
    const script: Script = {
      greeting: '* OK ready',
      capability: 'IMAP4rev1 STARTTLS',
      reply: ({ tag, command }) => {
        if (asked) return SILENCE;
        asked = command === 'STARTTLS';
        return asked ? answer(tag) : undefined;
      },
    };
    expect(await refused(script, { security: 'STARTTLS' })).toMatchObject({ code: 'IMAP_TIMEOUT' });
  });

  test('a login that is answered a byte at a time, for ever', async () => {
    let drip: NodeJS.Timeout | undefined;
    const script: Script = {
      greeting: '* OK ready',
      reply: ({ command }, socket) => {
        if (command !== 'LOGIN') return undefined;
        drip = setInterval(() => socket.write('*'), 20);
        socket.on('close', () => clearInterval(drip));
        return SILENCE;
      },
    };
    expect(await refused(script)).toMatchObject({ code: 'IMAP_TIMEOUT' });
  });

  test('nobody there', async () => {
    const nowhere = loginTo({ host: '127.0.0.1', port: await freePort() });
    await expect(openImapConnection(nowhere)).rejects.toMatchObject({ code: 'IMAP_UNREACHABLE' });
  });

  test.each(['NONE', 'TLS', 'STARTTLS'] as const)('a SYN that is lost (%s)', async (security) => {
    await using hole = await openBlackHole();
    const attempt = openImapConnection(loginTo(hole, { security }), { deadlines: SHORT });
    await expect(attempt).rejects.toMatchObject({ code: 'IMAP_TIMEOUT', cause: { code: 'CONNECT_TIMEOUT' } });
  });

  test('no such name', async () => {
    const nowhere = loginTo({ host: 'mail.example.invalid', port: 993 });
    await expect(openImapConnection(nowhere)).rejects.toMatchObject({
      code: expect.stringMatching(/^IMAP_(HOST_NOT_FOUND|NAME_LOOKUP_FAILED)$/),
    });
  });

  test('closed without a word', async () => {
    const port = await freePort();
    const closing = createServer((socket) => socket.end()).listen(port, '127.0.0.1');
    const attempt = openImapConnection(loginTo({ host: '127.0.0.1', port }), { deadlines: SHORT });
    await expect(attempt).rejects.toMatchObject({ code: 'IMAP_CONNECTION_LOST' });
    closing.close();
  });

  test('an access token where the server knows no OAuth', async () => {
    const credentials = { accessToken: 'token' };
    expect(await refused({ greeting: '* OK ready' }, { credentials })).toMatchObject({ code: 'IMAP_AUTH_UNSUPPORTED' });
    expect(server?.received.join()).not.toContain('token');
  });
});

describe('STARTTLS never falls back to clear text', () => {
  const starttls = { security: 'STARTTLS' as const };

  test.each<[string, Script]>([
    ['not offered', { greeting: '* OK ready' }],
    ['offered and refused', { greeting: '* OK ready', capability: 'IMAP4rev1 STARTTLS' }],
    ['made impossible by PREAUTH', { greeting: '* PREAUTH welcome', capability: 'IMAP4rev1 STARTTLS' }],
  ])('%s', async (_, script) => {
    expect(await refused(script, starttls)).toMatchObject({ code: 'IMAP_STARTTLS_UNAVAILABLE' });
    expect(server?.received.filter((line) => / (LOGIN|AUTHENTICATE)/.test(line))).toEqual([]);
  });

  test('answered with something that is not TLS', async () => {
    let saidGo = false;
    const script: Script = {
      greeting: '* OK ready',
      capability: 'IMAP4rev1 STARTTLS',
      reply: ({ tag, command }, socket) => {
        // The hello may have a line end in it: its first bytes, sent back as a tag, would look like TLS.
        if (saidGo) return SILENCE;
        if (command !== 'STARTTLS') return undefined;
        saidGo = true;
        socket.write(`${tag} OK go\r\n`);
        // To the client's hello: earlier it could be read as the end of the clear text.
        socket.once('data', () => socket.write('this is not TLS, whatever you thought'));
        return SILENCE;
      },
    };
    expect(await refused(script, starttls)).toMatchObject({ code: 'IMAP_TLS_FAILED' });
  });
});

describe('rows of a FETCH', () => {
  test('bodies: missing, repeated, unasked, empty and NIL ones', async () => {
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
    const imap = await selected(
      startScriptedMailbox({
        exists: 9,
        fetch: ({ tag, rest }) => [...(rest.includes('BODY') ? bodies : sizes), `${tag} OK done`].join('\r\n'),
      }),
    );
    const rows = await all(imap.fetchSources([1, 2, 3, 4, 5, 6, 7]));
    expect(rows.map(({ uid, source }) => [uid, source.toString()])).toEqual([
      [1, 'one'],
      [7, 'seven'],
      [5, ''],
    ]);
    expect(server?.received.at(-1)).toContain('UID FETCH 4:5 (UID RFC822.SIZE)');
  });

  test('metadata: split, repeated, unasked and incomplete ones', async () => {
    const imap = await selected(
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

  test('flags: the last word counts', async () => {
    const imap = await selected(
      startScriptedMailbox({
        fetch: ({ tag }) =>
          `* 1 FETCH (UID 1 FLAGS ())\r\n* 1 FETCH (UID 1 FLAGS (\\Seen))\r\n* 2 FETCH (FLAGS ())\r\n${tag} OK done`,
      }),
    );
    expect(await imap.fetchFlags('1:2')).toEqual([{ uid: 1, flags: ['\\Seen'], modseq: null }]);
  });

  test('a drop in the middle keeps what came before, and is an error', async () => {
    const imap = await selected(
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

  test('what vanished earlier is the answer, what vanishes meanwhile is kept apart', async () => {
    const imap = await selected(
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
    expect(await imap.fetchChanges(5, 90n)).toEqual({
      changed: [{ uid: 1, flags: ['\\Seen'], modseq: 95n }],
      vanished: [2, 4, 5],
    });
    expect(imap.takeVanished()).toEqual([3]);
  });

  test('what vanished is more than any mailbox can have lost: not believed', async () => {
    const imap = await selected(
      startScriptedMailbox({
        capability: withQresync,
        fetch: ({ tag }) => `* VANISHED (EARLIER) 1:12000000\r\n${tag} OK done`,
      }),
      // imapflow tells of each, which takes a while.
      { deadlines: {} },
    );
    await expect(imap.fetchChanges(5, 90n)).rejects.toMatchObject({ code: 'IMAP_INVALID_ANSWER' });
  });

  test('a server that answers ENABLE with nothing is still asked for changes, not for everything', async () => {
    const imap = await selected(
      startScriptedMailbox({
        capability: 'IMAP4rev1 ENABLE CONDSTORE',
        reply: ({ tag, command }) => (command === 'ENABLE' ? `* ENABLED\r\n${tag} OK done` : undefined),
        fetch: ({ tag }) => `${tag} OK done`,
      }),
    );
    expect(imap.server.level).toBe('CONDSTORE');
    expect(await imap.fetchChanges(5, 90n)).toEqual({ changed: [], vanished: [] });
    expect(server?.received.at(-1)).toContain('CHANGEDSINCE 90');
  });

  test('a HIGHESTMODSEQ without CONDSTORE means nothing', async () => {
    const imap = await selected(startScriptedMailbox({}));
    expect(imap.server.level).toBe('NONE');
    expect((await imap.select('INBOX')).highestModseq).toBeNull();
  });
});

test.each([
  ['imap.example.com', /^(?=.*\bCONDSTORE\b)(?=.*\bQRESYNC\b)(?!.*IMAP4rev2)/i, 'QRESYNC'],
  ['imap.mail.me.com', /^(?=.*\bCONDSTORE\b)(?!.*QRESYNC)(?!.*IMAP4rev2)/i, 'CONDSTORE'],
])('what is enabled at %s: no VANISHED of iCloud, no ESEARCH of IMAP4rev2', async (host, enabled, level) => {
  server = await startScriptedMailbox({ capability: 'IMAP4rev1 IMAP4rev2 ENABLE CONDSTORE QRESYNC' });
  connection = await openImapConnection({ ...loginTo(server), host, addresses: [server.host] }, { deadlines: SHORT });
  expect(server.received.filter((line) => line.includes('ENABLE'))).toEqual([expect.stringMatching(enabled)]);
  expect(connection.server.level).toBe(level);
});

describe('a refused command', () => {
  test.each([
    ['NO not now', 'IMAP_SERVER_REFUSED'],
    ['BAD what', 'IMAP_SERVER_REFUSED'],
    ['NO [THROTTLED] slowly', 'IMAP_THROTTLED'],
  ])('SEARCH %s is an error, never an empty mailbox', async (answer, code) => {
    const imap = await selected(startScriptedMailbox({ search: ({ tag }) => `${tag} ${answer}` }));
    await expect(imap.searchUids('1:*')).rejects.toMatchObject({ code });
  });

  test('an empty SEARCH is an empty list', async () => {
    const imap = await selected(startScriptedMailbox({ search: ({ tag }) => `* SEARCH\r\n${tag} OK done` }));
    expect(await imap.searchUids('1:*')).toEqual([]);
  });

  test.each([
    ['NO [UNAVAILABLE] UID FETCH Server error while fetching messages', 'IMAP_SERVER_REFUSED'],
    ['NO [OVERQUOTA] Account exceeded command or bandwidth limits', 'IMAP_THROTTLED'],
  ])('FETCH %s', async (answer, code) => {
    const imap = await selected(startScriptedMailbox({ fetch: ({ tag }) => `${tag} ${answer}` }));
    await expect(all(imap.fetchSources([1]))).rejects.toMatchObject({ code });
  });

  test("Microsoft's throttling ends the connection at once instead of parking it for minutes", async () => {
    const imap = await selected(
      startScriptedMailbox({
        fetch: ({ tag }) => `${tag} BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds`,
      }),
    );
    await expect(all(imap.fetchSources([1]))).rejects.toMatchObject({ code: 'IMAP_THROTTLED' });
  });

  test('a STATUS that failed is unknown, not zero', async () => {
    const imap = await selected(
      startScriptedMailbox({ reply: ({ tag, command }) => (command === 'STATUS' ? `${tag} NO sorry` : undefined) }),
    );
    expect(await imap.list()).toMatchObject([{ path: 'INBOX', status: null }]);
  });
});

describe('waiting', () => {
  test('a server that falls silent in a command', async () => {
    const imap = await selected(startScriptedMailbox({ fetch: () => SILENCE }));
    await expect(all(imap.fetchSources([1]))).rejects.toMatchObject({ code: 'IMAP_TIMEOUT' });
  });

  test('a consumer that takes longer than the server may', async () => {
    const imap = await selected(
      startScriptedMailbox({ fetch: ({ tag }) => `${bodyRow(1, 'one')}\r\n${bodyRow(2, 'two')}\r\n${tag} OK done` }),
    );
    let rows = 0;
    for await (const _ of imap.fetchSources([1, 2])) {
      rows++;
      await new Promise((resolve) => setTimeout(resolve, SHORT.silenceMs * 2));
    }
    expect(rows).toBe(2);
  });

  test('a pause between two commands', async () => {
    const imap = await selected(startScriptedMailbox({ search: ({ tag }) => `* SEARCH 1\r\n${tag} OK done` }));
    await new Promise((resolve) => setTimeout(resolve, SHORT.silenceMs * 2));
    expect(await imap.searchUids('1:*')).toEqual([1]);
  });

  test.each([
    ['the server is silent', () => SILENCE],
    ['a row is in use', ({ tag }: { tag: string }) => `${bodyRow(1, 'one')}\r\n${bodyRow(2, 'two')}\r\n${tag} OK done`],
  ])('is over at once when it is cancelled while %s', async (_, fetch) => {
    const abort = new AbortController();
    const imap = await selected(startScriptedMailbox({ fetch }), { signal: abort.signal, deadlines: {} });
    const reading = (async () => {
      for await (const _row of imap.fetchSources([1, 2])) abort.abort();
    })();
    setTimeout(() => abort.abort(), 20);
    const started = performance.now();
    await expect(reading).rejects.toMatchObject({ code: 'RUN_CANCELLED' });
    expect(performance.now() - started).toBeLessThan(500);
    await expect(imap.list()).rejects.toMatchObject({ code: 'RUN_CANCELLED' });
  });

  test('a connection attempt is over at once when it is cancelled', async () => {
    server = await startScriptedImap();
    const abort = new AbortController();
    const attempt = openImapConnection(loginTo(server), { signal: abort.signal });
    setTimeout(() => abort.abort(), 20);
    await expect(attempt).rejects.toMatchObject({ code: 'RUN_CANCELLED' });
    await expect(openImapConnection(loginTo(server), { signal: abort.signal })).rejects.toMatchObject({
      code: 'RUN_CANCELLED',
    });
  });

  test('closing a connection whose server does not answer LOGOUT', async () => {
    const imap = await selected(
      startScriptedMailbox({ reply: ({ command }) => (command === 'LOGOUT' ? SILENCE : undefined) }),
    );
    const started = performance.now();
    await imap.close();
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe('the password', () => {
  test.each([
    ['LOGIN', 'IMAP4rev1'],
    ['PLAIN', 'IMAP4rev1 AUTH=PLAIN'],
    ['AUTH=LOGIN', 'IMAP4rev1 AUTH=LOGIN'],
  ])('is in no log line and no error, even when the server repeats it (%s)', async (_, capability) => {
    const lines: unknown[] = [];
    const encoded: string[] = [Buffer.from(PASSWORD).toString('base64')];
    let authenticating = '';
    const prompts = ['VXNlcm5hbWU6', 'UGFzc3dvcmQ6'];
    server = await startScriptedImap({
      greeting: '* OK ready',
      capability,
      reply: ({ tag, command, rest, line }) => {
        if (command === 'LOGIN') return `${tag} NO wrong password: ${PASSWORD} (${encoded[0]})`;
        if (command === 'AUTHENTICATE') {
          authenticating = tag;
          return rest === 'LOGIN' ? `+ ${prompts.shift()}` : '+ ';
        }
        if (!authenticating) return undefined;
        encoded.push(line);
        const prompt = capability.endsWith('LOGIN') ? prompts.shift() : undefined;
        return prompt ? `+ ${prompt}` : `${authenticating} NO wrong password: ${PASSWORD} (${line})`;
      },
    });
    const logger = { debug: (entry: object, message?: string) => lines.push([entry, message]) };
    const error: unknown = await openImapConnection(loginTo(server), { logger, deadlines: SHORT }).catch((e) => e);
    expect(error).toMatchObject({ code: 'IMAP_AUTH_FAILED' });
    const written = inspect([lines, error], { depth: 20, showHidden: true, maxStringLength: null });
    expect(lines.length).toBeGreaterThan(3);
    expect(written).not.toContain(PASSWORD);
    const passwords = encoded.filter((line) => Buffer.from(line, 'base64').toString().includes(PASSWORD));
    for (const line of passwords) expect(written).not.toContain(line);
  });
});
