import { createServer } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { openBlackHole } from '../../lab/proxies/black-hole.ts';
import {
  type Script,
  type ScriptedImap,
  SILENCE,
  startScriptedImap,
} from '../../lab/scripted-servers/scripted-imap.ts';
import { freePort } from '../../lab/servers/free-port.ts';
import { ERRORS } from '../../src/errors.ts';
import { openImapConnection } from '../../src/imap/open-connection.ts';
import { loginTo, PASSWORD, SHORT } from './scripted-mailbox.ts';

/** Ways to fail to connect, and the error of each. */
let server: ScriptedImap | undefined;

afterEach(async () => {
  await server?.stop();
  server = undefined;
});

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

describe('a failing connection', () => {
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

  test('a TLS handshake without an answer', async () => {
    expect(await refused({ reply: () => SILENCE }, { security: 'TLS' })).toMatchObject({ code: 'IMAP_TIMEOUT' });
  });

  test.each([
    ['STARTTLS', () => SILENCE],
    ['the handshake after STARTTLS', (tag: string) => `${tag} OK go`],
  ])('%s without an answer', async (_, answer) => {
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

  test('an answer to LOGIN that arrives one byte at a time, without end', async () => {
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

  test('no listener on the port', async () => {
    const nowhere = loginTo({ host: '127.0.0.1', port: await freePort() });
    await expect(openImapConnection(nowhere)).rejects.toMatchObject({ code: 'IMAP_UNREACHABLE' });
  });

  test.each(['NONE', 'TLS', 'STARTTLS'] as const)('a lost SYN (%s)', async (security) => {
    await using hole = await openBlackHole();
    const attempt = openImapConnection(loginTo(hole, { security }), { deadlines: SHORT });
    await expect(attempt).rejects.toMatchObject({ code: 'IMAP_TIMEOUT', cause: { code: 'CONNECT_TIMEOUT' } });
  });

  test('an unknown host name', async () => {
    const nowhere = loginTo({ host: 'mail.example.invalid', port: 993 });
    await expect(openImapConnection(nowhere)).rejects.toMatchObject({
      code: expect.stringMatching(/^IMAP_(HOST_NOT_FOUND|NAME_LOOKUP_FAILED)$/),
    });
  });

  test('a connection that closes without a greeting', async () => {
    const port = await freePort();
    const closing = createServer((socket) => socket.end()).listen(port, '127.0.0.1');
    const attempt = openImapConnection(loginTo({ host: '127.0.0.1', port }), { deadlines: SHORT });
    await expect(attempt).rejects.toMatchObject({ code: 'IMAP_CONNECTION_LOST' });
    closing.close();
  });

  test('an access token for a server without OAuth', async () => {
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

  test('answered with bytes that are not TLS', async () => {
    let saidGo = false;
    const script: Script = {
      greeting: '* OK ready',
      capability: 'IMAP4rev1 STARTTLS',
      reply: ({ tag, command }, socket) => {
        // The ClientHello may contain a line end. Its first bytes, returned as a tag, would then look like TLS.
        if (saidGo) return SILENCE;
        if (command !== 'STARTTLS') return undefined;
        saidGo = true;
        socket.write(`${tag} OK go\r\n`);
        // Sent in answer to the ClientHello: earlier, it could be read as the rest of the clear text.
        socket.once('data', () => socket.write('this is not TLS, whatever you thought'));
        return SILENCE;
      },
    };
    expect(await refused(script, starttls)).toMatchObject({ code: 'IMAP_TLS_FAILED' });
  });
});

describe('the password', () => {
  test.each([
    ['LOGIN', 'IMAP4rev1'],
    ['PLAIN', 'IMAP4rev1 AUTH=PLAIN'],
    ['AUTH=LOGIN', 'IMAP4rev1 AUTH=LOGIN'],
  ])('appears in no log line and no error, even if the server repeats it (%s)', async (_, capability) => {
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
