import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startConformantProvider } from '../../lab/oauth/conformant-provider.ts';
import { type FakeOAuthProvider, startOAuthProvider } from '../../lab/oauth/fake-provider.ts';
import { html } from '../../lab/oauth/mishaps.ts';
import { type Dovecot, startDovecot } from '../../lab/servers/dovecot.ts';
import type { ServerProcess } from '../../lab/servers/server-process.ts';
import { openImapConnection } from '../../src/imap/open-connection.ts';
import { authorize, discover, REDIRECT_URI } from '../oauth/as-client.ts';

/** Logins with access tokens at Dovecot, which verifies them or asks the provider. */
const ANN = 'ann@example.com';
const ann = { email: ANN, sub: 'ann' };

/** Returns the mechanism that was used, or the code of the failure. */
async function logIn({ host, port }: Dovecot, accessToken: string, username = ANN): Promise<string> {
  const lines: string[] = [];
  const logger = { debug: (entry: object, message?: string) => lines.push(JSON.stringify([entry, message])) };
  try {
    const connection = await openImapConnection(
      { host, port, security: 'NONE', username, credentials: { accessToken } },
      { logger },
    );
    await connection.list();
    await connection.close();
  } catch (error) {
    return (error as { code: string }).code;
  }
  const used = /AUTHENTICATE (\w+)/.exec(lines.join('\n'))?.[1];
  return used ?? 'no AUTHENTICATE in the log';
}

async function changed(provider: FakeOAuthProvider, change: object): Promise<string> {
  const { accessLifetimeS, clockOffsetS } = provider;
  Object.assign(provider, change);
  const { access_token: token } = await provider.grantTo(ann);
  Object.assign(provider, { accessLifetimeS, clockOffsetS });
  return token;
}

describe.each(['RS256', 'ES256'] as const)('a token signed by %s', (algorithm) => {
  let provider: FakeOAuthProvider;
  let server: Dovecot & ServerProcess;
  beforeAll(async () => {
    provider = await startOAuthProvider({ algorithm });
    server = await startDovecot({ oauth: provider.passdb('local') });
    server.addUser(ANN);
  });
  afterAll(async () => {
    await server.stop();
    await provider.close();
  });

  test('is accepted by OAUTHBEARER', async () => {
    expect(await logIn(server, await changed(provider, {}))).toBe('OAUTHBEARER');
  });

  test.each([
    ['expired', { accessLifetimeS: -1 }],
    ['from the future', { clockOffsetS: 600 }],
  ])('%s, is refused', async (_, change) => {
    expect(await logIn(server, await changed(provider, change))).toBe('IMAP_AUTH_FAILED');
  });

  test('of another user, or without the scope, is refused', async () => {
    expect(await logIn(server, await changed(provider, {}), 'ben@example.com')).toBe('IMAP_AUTH_FAILED');
    const { access_token: token } = await provider.grantTo(ann, 'openid email');
    expect(await logIn(server, token)).toBe('IMAP_AUTH_FAILED');
  });

  test('leaves logins with the password as they were', async () => {
    const { host, port, password } = server;
    const login = { host, port, security: 'NONE', username: ANN, credentials: { password } } as const;
    await (await openImapConnection(login)).close();
  });
});

test('XOAUTH2 is used where OAUTHBEARER is not offered', async () => {
  await using provider = await startOAuthProvider();
  await using server = await startDovecot({ oauth: { ...provider.passdb('local'), mechanisms: ['xoauth2'] } });
  expect(await logIn(server, await changed(provider, {}))).toBe('XOAUTH2');
  expect(await logIn(server, await changed(provider, { accessLifetimeS: -1 }))).toBe('IMAP_AUTH_FAILED');
});

test('with introspection, a revoked token is refused, and an outage is no refusal', async () => {
  await using provider = await startOAuthProvider();
  await using server = await startDovecot({ oauth: provider.passdb('introspection') });
  const { access_token: token } = await provider.grantTo(ann);
  expect(await logIn(server, token)).toBe('OAUTHBEARER');
  provider.mishaps.push({ at: 'introspect', isLasting: true, ...html(500) });
  const { access_token: other } = await provider.grantTo(ann);
  expect(await logIn(server, other)).toBe('IMAP_AUTH_UNAVAILABLE');
  provider.mishaps.length = 0;
  provider.revokeAll();
  expect(await logIn(server, other)).toBe('IMAP_AUTH_FAILED');
});

test('the opaque token of oidc-provider is accepted by introspection', async () => {
  await using provider = await startConformantProvider([REDIRECT_URI]);
  await using server = await startDovecot({ oauth: provider.passdb() });
  const { access_token: token } = await authorize(provider, await discover(provider));
  expect(await logIn(server, token)).toBe('OAUTHBEARER');
  expect(await logIn(server, token, 'ben@example.com')).toBe('IMAP_AUTH_FAILED');
});
