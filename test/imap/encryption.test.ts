import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CertificateKind } from '../../lab/servers/certificates.ts';
import { startDovecot } from '../../lab/servers/dovecot.ts';
import type { ImapLogin } from '../../src/imap/connection.ts';
import { openImapConnection } from '../../src/imap/open-connection.ts';

type Server = Awaited<ReturnType<typeof startDovecot>>;
const servers = new Map<CertificateKind, Server>();

beforeAll(async () => {
  for (const certificate of ['valid', 'expired', 'wrong-host'] as const) {
    const server = await startDovecot({ certificate });
    server.addUser('ann');
    servers.set(certificate, server);
  }
});
afterAll(async () => {
  for (const server of servers.values()) await server.stop();
});

async function open(
  kind: CertificateKind,
  security: 'TLS' | 'STARTTLS',
  { trusted = true, ...more }: Partial<ImapLogin> & { trusted?: boolean } = {},
) {
  const { host, port, tlsPort, password, authority } = servers.get(kind)!;
  const login: ImapLogin = {
    host,
    port: security === 'TLS' ? tlsPort! : port,
    security,
    username: 'ann',
    credentials: { password },
    ...more,
  };
  const connection = await openImapConnection(login, trusted ? { tls: { ca: authority! } } : {});
  const listed = await connection.list();
  await connection.close();
  return listed.map(({ path }) => path);
}

describe.each(['TLS', 'STARTTLS'] as const)('%s', (security) => {
  test('connects with a valid certificate', async () => {
    expect(await open('valid', security)).toEqual(['INBOX']);
  });

  test.each([
    ['expired', true, 'IMAP_CERTIFICATE_EXPIRED'],
    ['wrong-host', true, 'IMAP_CERTIFICATE_WRONG_HOST'],
    ['valid', false, 'IMAP_CERTIFICATE_UNTRUSTED'],
  ] as const)('rejects a certificate that is %s (authority trusted: %s)', async (kind, trusted, code) => {
    await expect(open(kind, security, { trusted })).rejects.toMatchObject({ code });
  });

  test('connects to the checked address and verifies the host name', async () => {
    const addresses = ['127.0.0.1'];
    expect(await open('valid', security, { host: 'localhost', addresses })).toEqual(['INBOX']);
    // No DNS record exists for the name, so a second lookup would fail.
    const elsewhere = open('valid', security, { host: 'mail.example.invalid', addresses });
    await expect(elsewhere).rejects.toMatchObject({ code: 'IMAP_CERTIFICATE_WRONG_HOST' });
    expect(await open('wrong-host', security, { host: 'mail.example.net', addresses })).toEqual(['INBOX']);
  });
});

test('TLS on a clear-text port, and clear text on a TLS port, reject', async () => {
  const { port, tlsPort } = servers.get('valid')!;
  await expect(open('valid', 'TLS', { port })).rejects.toMatchObject({ code: 'IMAP_TLS_FAILED' });
  const { host, authority } = servers.get('valid')!;
  const login: ImapLogin = {
    host,
    port: tlsPort!,
    security: 'STARTTLS',
    username: 'ann',
    credentials: { password: 'x' },
  };
  const waiting = openImapConnection(login, { tls: { ca: authority! }, deadlines: { greetingMs: 300 } });
  await expect(waiting).rejects.toMatchObject({ code: 'IMAP_NO_GREETING' });
});
