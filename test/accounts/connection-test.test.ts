import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type ScriptedImap, SILENCE, startScriptedImap } from '../../lab/scripted-servers/scripted-imap.ts';
import { startDovecot } from '../../lab/servers/dovecot.ts';
import { freePort } from '../../lab/servers/free-port.ts';
import { waitFor } from '../../lab/wait.ts';
import type { ConnectionInput } from '../../src/accounts/account-input.ts';
import { hintFor } from '../../src/accounts/connection-hints.ts';
import { testConnection } from '../../src/accounts/connection-test.ts';

type Server = Awaited<ReturnType<typeof startDovecot>>;
let good: Server;
let expired: Server;
let wrongHost: Server;
let stranger: Server;
let scripted: ScriptedImap | undefined;

beforeAll(async () => {
  good = await startDovecot({ certificate: 'valid' });
  expired = await startDovecot({ certificate: 'expired' });
  wrongHost = await startDovecot({ certificate: 'wrong-host' });
  stranger = await startDovecot({ host: '127.0.0.2', settings: 'disable_plaintext_auth = yes' });
  for (const server of [good, expired, wrongHost]) server.addUser('ann@example.com', { Work: [] });
});
afterAll(async () => {
  for (const server of [good, expired, wrongHost, stranger]) await server?.stop();
});
afterEach(async () => {
  await scripted?.stop();
  scripted = undefined;
});

const lenient = { allowPrivateHosts: true };
const input = (
  { host, port, security = 'NONE' }: { host: string; port: number; security?: 'TLS' | 'STARTTLS' | 'NONE' },
  password = 'secret',
): ConnectionInput => ({
  emailAddress: 'ann@example.com',
  imap: { host, port, security },
  credentials: { password },
});
const tls = (server: Server) => ({ host: server.host, port: server.tlsPort!, security: 'TLS' as const });

test('testConnection, a working server, reports its mailboxes', async () => {
  const result = await testConnection(input(tls(good)), lenient, { tls: { ca: good.authority! } });
  expect(result).toMatchObject({ ok: true, code: null, message: 'The connection works.', hint: null });
  expect(result.mailboxes).toEqual(['INBOX', 'Work']);
  expect(result.capabilities).toContain('IDLE');
});

describe('testConnection, each failure, has its own code and sentence', () => {
  const seen = new Map<string, string>();
  const check = async (code: string, attempt: ReturnType<typeof testConnection>) => {
    const result = await attempt;
    expect(result).toMatchObject({ ok: false, code, capabilities: [], mailboxes: [] });
    expect(result.message).toMatch(/^.{10,}\.$/);
    expect([...seen.values()]).not.toContain(result.message);
    seen.set(code, result.message);
    return result;
  };

  test('wrong password', () => check('IMAP_AUTH_FAILED', testConnection(input(good, 'wrong'), lenient)));
  test('expired certificate', () =>
    check(
      'IMAP_CERTIFICATE_EXPIRED',
      testConnection(input(tls(expired)), lenient, { tls: { ca: expired.authority! } }),
    ));
  test('certificate of another host', () =>
    check(
      'IMAP_CERTIFICATE_WRONG_HOST',
      testConnection(input(tls(wrongHost)), lenient, { tls: { ca: wrongHost.authority! } }),
    ));
  test('certificate of an unknown authority', () =>
    check('IMAP_CERTIFICATE_UNTRUSTED', testConnection(input(tls(good)), lenient)));
  test('TLS on a port without TLS', () =>
    check('IMAP_TLS_FAILED', testConnection(input({ ...good, security: 'TLS' }), lenient)));
  test('STARTTLS on a server without it', () =>
    check('IMAP_STARTTLS_UNAVAILABLE', testConnection(input({ ...stranger, security: 'STARTTLS' }), lenient)));
  test('login only after TLS', () => check('IMAP_LOGIN_DISABLED', testConnection(input(stranger), lenient)));
  test('no listener on the port', async () =>
    check('IMAP_UNREACHABLE', testConnection(input({ host: '127.0.0.1', port: await freePort() }), lenient)));
  test('unknown host name', () =>
    check(
      'IMAP_HOST_NOT_FOUND',
      testConnection(input({ host: 'mail.example.invalid', port: 993, security: 'TLS' }), lenient),
    ));
  test('a private host, where private hosts are not allowed', () =>
    check('HOST_NOT_ALLOWED', testConnection(input(good), { allowPrivateHosts: false })));
  test('clear text to a public host', () =>
    check('IMAP_CLEARTEXT_NOT_ALLOWED', testConnection(input({ host: '8.8.8.8', port: 143 }), lenient)));
  test('a server of another protocol', async () => {
    scripted = await startScriptedImap({ greeting: '220 smtp ready' });
    await check('IMAP_NOT_IMAP', testConnection(input(scripted), lenient));
  });
  test('a silent server', async () => {
    scripted = await startScriptedImap();
    await check('IMAP_NO_GREETING', testConnection(input(scripted), lenient, { deadlines: { greetingMs: 100 } }));
  });
  test('a busy server', async () => {
    scripted = await startScriptedImap({ greeting: '* BYE overloaded' });
    await check('IMAP_TURNED_AWAY', testConnection(input(scripted), lenient));
  });
  test('a port out of range', () =>
    check('BAD_USER_INPUT', testConnection(input({ host: '127.0.0.1', port: 70_000 }), lenient)));
});

test('testConnection, a web server that times out a silent client, is IMAP_NOT_IMAP', async () => {
  const web = createServer({ headersTimeout: 50, requestTimeout: 100, connectionsCheckingInterval: 20 });
  await once(web.listen(0, '127.0.0.1'), 'listening');
  const { port } = web.address() as AddressInfo;
  const result = await testConnection(input({ host: '127.0.0.1', port }), lenient);
  expect(result).toMatchObject({ ok: false, code: 'IMAP_NOT_IMAP' });
  web.close();
});

describe('testConnection, a server that only sends unrelated lines', () => {
  test.each(['CAPABILITY', 'LOGIN', 'LIST', 'STATUS'])('in answer to %s, ends at the overall deadline', async (at) => {
    const drips: NodeJS.Timeout[] = [];
    let isClosed = false;
    const drip = (socket: Socket) => {
      drips.push(setInterval(() => socket.write('* OK still here\r\n'), 20));
      socket.on('close', () => {
        isClosed = true;
      });
      return SILENCE;
    };
    scripted = await startScriptedImap({
      greeting: '* OK ready',
      reply: ({ tag, command }, socket) => {
        if (command === at) return drip(socket);
        return command === 'LIST' ? `* LIST (\\Noselect) "/" Top\r\n${tag} OK done` : undefined;
      },
    });
    const began = performance.now();
    const result = await testConnection(input(scripted), lenient, { wholeMs: 1000 });
    const took = performance.now() - began;
    for (const timer of drips) clearInterval(timer);
    expect(result).toMatchObject({ ok: false, code: 'IMAP_TIMEOUT' });
    expect(took).toBeGreaterThan(900);
    await waitFor(() => isClosed, { what: 'the end of the connection' });
  });
});

test('testConnection, a known provider, adds a hint to the error', async () => {
  scripted = await startScriptedImap({
    greeting: '* OK Gimap ready',
    reply: ({ tag, command }) => (command === 'LOGIN' ? `${tag} NO [AUTHENTICATIONFAILED] Invalid` : undefined),
  });
  const gmail = input({ host: 'imap.gmail.com', port: scripted.port });
  const result = await testConnection(gmail, { ...lenient, lookup: async () => ['127.0.0.1'] });
  expect(result).toMatchObject({ code: 'IMAP_AUTH_FAILED', hint: expect.stringContaining('app passwords') });
});

test.each([
  [443, 'TLS', 'IMAP_NO_GREETING', 'web pages'],
  [8080, 'TLS', 'IMAP_TLS_FAILED', 'web pages'],
  [587, 'STARTTLS', 'IMAP_NOT_IMAP', 'sending mail'],
  [995, 'TLS', 'IMAP_NOT_IMAP', 'POP3'],
  [143, 'TLS', 'IMAP_TLS_FAILED', 'STARTTLS'],
] as const)('hintFor, port %d with %s, adds a hint to %s', (port, security, code, hint) => {
  expect(hintFor(code, { host: 'mail.example.com', port, security, username: null })).toContain(hint);
});
