import { createPrivateKey } from 'node:crypto';
import { SignJWT } from 'jose';
import * as client from 'openid-client';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type FakeOAuthProvider, startOAuthProvider } from '../../lab/oauth/fake-provider.ts';
import { html, hugeAnswer, type Mishap, redirect, refusal, tooManyRequests } from '../../lab/oauth/mishaps.ts';
import { trustingFetch } from '../../lab/oauth/trusting-fetch.ts';
import { authorize, discover } from './as-client.ts';

let provider: FakeOAuthProvider;
let configuration: client.Configuration;

beforeAll(async () => {
  provider = await startOAuthProvider();
  configuration = await discover(provider);
});
afterAll(() => provider.close());
beforeEach(() => {
  Object.assign(provider, { person: { ...ann }, rotation: 'lenient', redirectUris: undefined, clockOffsetS: 0 });
  provider.received.all.length = 0;
});

const ann = { email: 'ann@example.com', sub: 'ann' };
const refresh = (token: string | undefined) => client.refreshTokenGrant(configuration, token!);
const failure = (work: Promise<unknown>) =>
  work.then(
    () => 'no failure',
    (error: { error?: string; code?: string; cause?: { code?: string } }) =>
      error.error ?? error.cause?.code ?? error.code,
  );

describe('a sign-in', () => {
  test('returns the code with state and iss, and tokens of the person', async () => {
    const answer = await authorize(provider, configuration);
    expect(answer).toMatchObject({ expires_in: 3600, scope: 'openid email mail', token_type: 'bearer' });
    expect(answer.claims()).toMatchObject(ann);
    expect(provider.received.at('authorize')[0]?.query.get('code_challenge_method')).toBe('S256');
    const { active, email } = await client.tokenIntrospection(configuration, answer.access_token);
    expect([active, email]).toEqual([true, ann.email]);
  });

  test.each<[string, object, string]>([
    ['a refused consent', { error: 'access_denied' }, 'access_denied'],
    ['another issuer in the redirect', { iss: 'https://evil.example.com' }, 'OAUTH_INVALID_RESPONSE'],
    [
      'an id token of another issuer',
      { claims: { iss: 'https://evil.example.com' } },
      'OAUTH_JWT_CLAIM_COMPARISON_FAILED',
    ],
    ['an id token for another client', { claims: { aud: 'other' } }, 'OAUTH_JWT_CLAIM_COMPARISON_FAILED'],
    ['another nonce', { claims: { nonce: 'other' } }, 'OAUTH_JWT_CLAIM_COMPARISON_FAILED'],
  ])('%s fails', async (_, change, code) => {
    Object.assign(provider.person, change);
    expect(await failure(authorize(provider, configuration))).toBe(code);
  });

  test('a smaller scope and another account are in the answer', async () => {
    provider.person = { email: 'ben@example.com', sub: 'ben', scope: 'openid email' };
    const answer = await authorize(provider, configuration);
    expect([answer.scope, answer.claims()?.['email']]).toEqual(['openid email', 'ben@example.com']);
  });

  test('a clock that is more than an hour behind issues id tokens that have expired', async () => {
    provider.clockOffsetS = -3700;
    expect(await failure(authorize(provider, configuration))).toBe('OAUTH_JWT_TIMESTAMP_CHECK_FAILED');
  });

  test('a redirect URI that is not registered gets an error page', async () => {
    provider.redirectUris = ['https://mailtide.example.com/other'];
    await expect(authorize(provider, configuration)).rejects.toThrow('redirect_uri_mismatch');
  });

  test('a code is accepted once, and only with its verifier', async () => {
    const token = `${provider.issuer}/token`;
    const post = async (form: URLSearchParams, changed: Record<string, string>) => {
      const body = new URLSearchParams({ ...Object.fromEntries(form), ...changed });
      const answer = await trustingFetch(provider.ca)(token, { method: 'POST', body });
      return ((await answer.json()) as { error_description?: string }).error_description;
    };
    const { access_token: accessToken } = await authorize(provider, configuration);
    const [used] = provider.received.at('token');
    expect(await post(used!.form, {})).toBe('The code has been used');
    expect((await client.tokenIntrospection(configuration, accessToken)).active).toBe(false);

    provider.mishaps.push(html(503));
    await failure(authorize(provider, configuration));
    const unused = provider.received.at('token').at(-1);
    expect(await post(unused!.form, { code_verifier: 'wrong' })).toBe('Wrong code_verifier');
  });
});

describe('refresh tokens', () => {
  test('none: the first one stays, and no other is returned', async () => {
    provider.rotation = 'none';
    const { refresh_token: first } = await provider.grantTo(ann);
    expect((await refresh(first)).refresh_token).toBeUndefined();
    expect((await refresh(first)).access_token).toBeTruthy();
  });

  test('lenient: former ones stay valid', async () => {
    const { refresh_token: first } = await provider.grantTo(ann);
    const { refresh_token: second } = await refresh(first);
    expect(second).not.toBe(first);
    await refresh(first);
    await refresh(second);
    expect(provider.received.refreshCounts()).toEqual(new Map([[ann.email, 3]]));
    expect(provider.received.uses()).toEqual(
      new Map([
        [first, 2],
        [second, 1],
      ]),
    );
  });

  test('strict: the second use of one revokes its grant, and no other', async () => {
    provider.rotation = 'strict';
    const { refresh_token: first } = await provider.grantTo(ann);
    const { refresh_token: others } = await provider.grantTo({ email: 'ben@example.com', sub: 'ben' });
    const { refresh_token: second, access_token: token } = await refresh(first);
    expect(await failure(refresh(first))).toBe('invalid_grant');
    expect(await failure(refresh(second))).toBe('invalid_grant');
    expect((await client.tokenIntrospection(configuration, token)).active).toBe(false);
    await refresh(others);
    expect(provider.received.invalidGrants()).toBe(2);
  });

  test('a revoked grant is refused', async () => {
    const { refresh_token: token } = await provider.grantTo(ann);
    await client.tokenRevocation(configuration, token!);
    expect(await failure(refresh(token))).toBe('invalid_grant');
  });

  test('a scope that was not granted is refused', async () => {
    const { refresh_token: token } = await provider.grantTo(ann, 'mail');
    const work = client.refreshTokenGrant(configuration, token!, { scope: 'mail calendar' });
    expect(await failure(work)).toBe('invalid_scope');
  });
});

describe('a mishap', () => {
  test.each<[string, Mishap, string]>([
    ['any error', refusal('invalid_grant', { error_codes: [700082], suberror: 'bad_token' }), 'invalid_grant'],
    ['429', tooManyRequests(7), 'temporarily_unavailable'],
    ['an HTML error', html(503), 'OAUTH_RESPONSE_IS_NOT_CONFORM'],
    ['an HTML page', html(200), 'OAUTH_RESPONSE_IS_NOT_JSON'],
    ['a redirect', redirect('https://169.254.169.254/'), 'OAUTH_RESPONSE_IS_NOT_CONFORM'],
    ['a cut before the request is handled', { cut: 'before' }, 'ECONNRESET'],
    ['a cut after it is handled', { cut: 'after' }, 'ECONNRESET'],
    ['a cut within the answer', { cut: 'within' }, 'ECONNRESET'],
  ])('%s', async (_, mishap, code) => {
    provider.rotation = 'strict';
    const { refresh_token: token } = await provider.grantTo(ann);
    provider.mishaps.push(mishap);
    expect(await failure(refresh(token))).toBe(code);
    // Only requests that were handled have used the token.
    const isUsed = mishap.cut === 'after' || mishap.cut === 'within';
    expect(await failure(refresh(token))).toBe(isUsed ? 'invalid_grant' : 'no failure');
    expect(provider.mishaps).toEqual([]);
  });

  test('answers with Retry-After, a mebibyte, or changed fields', async () => {
    const { refresh_token: token } = await provider.grantTo(ann);
    const post = () =>
      trustingFetch(provider.ca)(`${provider.issuer}/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'refresh_token',
          refresh_token: token!,
          client_id: provider.client.id,
          client_secret: provider.client.secret,
        }),
      });
    provider.mishaps.push(tooManyRequests(7), hugeAnswer(2 ** 20), {
      change: { expires_in: '3600', refresh_token: undefined, refresh_token_expires_in: 604_799 },
    });
    expect((await post()).headers.get('retry-after')).toBe('7');
    expect((await (await post()).text()).length).toBeGreaterThan(2 ** 20);
    const changed = (await (await post()).json()) as object;
    expect(changed).toMatchObject({ expires_in: '3600', refresh_token_expires_in: 604_799 });
    expect(changed).not.toHaveProperty('refresh_token');
    expect(provider.requests).toEqual(['refresh_token 429', 'refresh_token 200', 'refresh_token 200']);
  });

  test('holds an answer until the test releases it, at the endpoint that it names', async () => {
    const { refresh_token: token } = await provider.grantTo(ann);
    const { promise, resolve } = Promise.withResolvers<void>();
    provider.mishaps.push({ at: 'introspect', ...html(500) }, { until: promise });
    const held = refresh(token);
    expect(await failure(client.tokenIntrospection(configuration, 'x'))).toBe('OAUTH_RESPONSE_IS_NOT_CONFORM');
    expect(provider.requests).toEqual(['refresh_token unanswered']);
    resolve();
    expect((await held).access_token).toBeTruthy();
  });

  test('that lasts ends when the test removes it', async () => {
    const { refresh_token: token } = await provider.grantTo(ann);
    provider.mishaps.push({ ...html(502), grantType: 'refresh_token', isLasting: true });
    expect(await failure(refresh(token))).toBe('OAUTH_RESPONSE_IS_NOT_CONFORM');
    expect(await failure(refresh(token))).toBe('OAUTH_RESPONSE_IS_NOT_CONFORM');
    provider.mishaps.length = 0;
    expect(await failure(refresh(token))).toBe('no failure');
  });
});

describe('without a browser', () => {
  test('a device gets its tokens once the person agrees', async () => {
    const device = await client.initiateDeviceAuthorization(configuration, { scope: 'mail' });
    const poll = () =>
      client.genericGrantRequest(configuration, 'urn:ietf:params:oauth:grant-type:device_code', {
        device_code: device.device_code,
      });
    expect(await failure(poll())).toBe('authorization_pending');
    provider.decideDevice(device.user_code);
    expect((await poll()).refresh_token).toBeTruthy();
  });

  test('a client gets a token for itself, by secret or by a signed assertion', async () => {
    const { privateKey, publicKey } = await client.randomDPoPKeyPair('ES256');
    await using signing = await startOAuthProvider({ client: { id: 'mailtide', secret: 'unused', publicKey } });
    const scope = 'https://outlook.office365.com/.default';
    expect((await client.clientCredentialsGrant(configuration, { scope })).access_token).toBeTruthy();
    const certified = await client.discovery(
      new URL(signing.issuer),
      'mailtide',
      undefined,
      client.PrivateKeyJwt(privateKey),
      { [client.customFetch]: trustingFetch(signing.ca) },
    );
    expect((await client.clientCredentialsGrant(certified, { scope })).access_token).toBeTruthy();
    expect(await failure(client.clientCredentialsGrant(await discoverWith('wrong'), { scope }))).toBe('invalid_client');
  });

  test('a service account gets tokens for the mailboxes and scopes delegated to it', async () => {
    const key = await provider.addServiceAccount({ scopes: ['mail'], mailboxes: [ann.email] });
    const ask = async (sub: string, scope: string, lifetimeS = 3600) => {
      const now = Math.floor(Date.now() / 1000);
      const assertion = await new SignJWT({ iss: key.client_email, sub, scope, aud: key.token_uri })
        .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: key.private_key_id })
        .setIssuedAt(now)
        .setExpirationTime(now + lifetimeS)
        .sign(createPrivateKey(key.private_key));
      const body = new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion });
      const answer = await trustingFetch(provider.ca)(key.token_uri, { method: 'POST', body });
      const { error, error_description: text = '', refresh_token } = (await answer.json()) as Record<string, string>;
      return error ? `${error}: ${text}` : `tokens${refresh_token ? ' and a refresh token' : ''}`;
    };
    expect(await ask(ann.email, 'mail')).toBe('tokens');
    expect(await ask('ben@example.com', 'mail')).toBe('invalid_grant: Invalid email or User ID');
    expect(await ask(ann.email, 'calendar')).toContain('unauthorized_client');
    expect(await ask(ann.email, 'mail', 7200)).toContain('short-lived');
  });
});

function discoverWith(secret: string): Promise<client.Configuration> {
  return discover({ issuer: provider.issuer, ca: provider.ca, client: { id: provider.client.id, secret } });
}
