import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { mails } from '../../lab/mail/mails.ts';
import { html, refusal } from '../../lab/oauth/mishaps.ts';
import { createTestBrowser, type TestBrowser } from '../../lab/service/browser.ts';
import { newDataDir } from '../../lab/service/embedded-template.ts';
import { connectAccount } from '../../lab/service/sync.ts';
import { waitFor } from '../../lab/wait.ts';
import { type OAuthLab, type OAuthService, startOAuthLab, startOAuthService } from './connected-service.ts';

/** People who connect a mailbox by signing in, against the real service, a provider and Dovecot. */
const ANN = 'ann@example.com';
const ann = { email: ANN, sub: 'ann' };

let lab: OAuthLab;
let service: OAuthService;
const dataDir = newDataDir();

beforeAll(async () => {
  lab = await startOAuthLab();
  for (const user of [ANN, 'team@example.com', 'zoe@example.com']) lab.dovecot.addUser(user, { INBOX: mails(0, 3) });
  service = await startOAuthService(lab, { dataDir });
});
afterAll(async () => {
  await service?.[Symbol.asyncDispose]();
  await lab?.[Symbol.asyncDispose]();
  rmSync(dataDir, { recursive: true, force: true });
});
beforeEach(async () => {
  Object.assign(lab.provider, { person: { ...ann }, rotation: 'lenient', redirectUris: undefined });
  lab.provider.mishaps.length = 0;
  const { emailAccounts } = await service.data<{ emailAccounts: { edges: { node: { id: string } }[] } }>(
    '{ emailAccounts { edges { node { id } } } }',
  );
  for (const { node } of emailAccounts.edges) {
    await service.data('mutation ($id: ID!) { deleteEmailAccount(id: $id) }', node);
  }
});

/** Adds a tenant as an operator does, and returns its key. */
const addTenant = async (name: string): Promise<string> =>
  execFileSync(process.execPath, ['src/tenant-cli.ts', 'add', name], {
    env: { PATH: process.env['PATH'], TMPDIR: process.env['TMPDIR'], DATA_DIR: dataDir },
  })
    .toString()
    .trim();

/** Signs in with the key, as the page's form does. */
async function signedIn(key = service.apiKey): Promise<TestBrowser> {
  const answer = await fetch(`${service.url}/sign-in`, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': 'application/x-www-form-urlencoded', origin: service.url },
    body: new URLSearchParams({ key }),
  });
  const [, token = ''] = /mailtide_session=([^;]+)/.exec(answer.headers.get('set-cookie') ?? '') ?? [];
  return createTestBrowser({ ca: lab.provider.ca, cookies: { mailtide_session: token } });
}

const auth = async (id: string) => {
  const { emailAccount } = await service.data<{ emailAccount: { auth: object; imap: object } }>(
    `query ($id: ID!) { emailAccount(id: $id) {
      auth { method provider identity scopes problem { code } action }
      imap { host port username }
    } }`,
    { id },
  );
  return emailAccount;
};

const messages = async (id: string): Promise<number> => {
  const { emailAccount } = await service.data<{ emailAccount: { totals: { messages: number } } }>(
    'query ($id: ID!) { emailAccount(id: $id) { totals { messages } } }',
    { id },
  );
  return emailAccount.totals.messages;
};

describe('a mailbox', () => {
  test('is connected and synced after one sign-in', async () => {
    const { url, id } = await service.start({ emailAddress: ANN });
    expect(await service.attempt(id)).toMatchObject({ status: 'CREATED', account: null });
    const question = await service.browser.get(url);
    expect([question.status, question.text]).toEqual([200, expect.stringContaining('“default” asks to read the mail')]);
    expect(question.text).toContain(ANN);

    const page = await service.browser.submit(url);
    expect([page.status, page.text]).toEqual([200, expect.stringContaining('ann@example.com is being synced')]);
    const { status, account } = await service.attempt(id);
    expect([status, account?.emailAddress]).toEqual(['SUCCEEDED', ANN]);
    expect(await auth(account!.id)).toEqual({
      auth: {
        method: 'OAUTH',
        provider: 'example',
        identity: ANN,
        scopes: ['openid', 'email', 'mail'],
        problem: null,
        action: 'NONE',
      },
      imap: { host: lab.dovecot.host, port: lab.dovecot.port, username: ANN },
    });
    await waitFor(async () => (await messages(account!.id)) === 3, { what: 'the first sync' });
  });

  test('opens in the page if the person is signed in there', async () => {
    const browser = await signedIn();
    const { url, id } = await service.start({ emailAddress: ANN });
    const page = await browser.get(url);
    const { account } = await service.attempt(id);
    expect(page.url.pathname).toBe(`/accounts/${account!.id}`);
    expect(page.via.map(({ pathname }) => pathname.replace(/start.*/, 'start'))).toEqual([
      '/oauth/start',
      '/authorize',
      '/oauth/callback',
    ]);
    const request = lab.provider.received.at('authorize').at(-1)!.query;
    expect(Object.fromEntries(request)).toMatchObject({ login_hint: ANN, code_challenge_method: 'S256' });
  });

  test('of a session of another tenant, is confirmed first', async () => {
    const other = await addTenant('other');
    const browser = await signedIn(other);
    const { url } = await service.start({ emailAddress: ANN });
    expect((await browser.get(url)).text).toContain('“default” asks');
  });

  test('is that of the person if none was named, and shared ones belong to others', async () => {
    expect((await auth(await service.connect())).imap).toMatchObject({ username: ANN });
    // Dovecot's passdb compares the token's address with the username, so the token has to name the mailbox.
    lab.provider.person = { email: 'team@example.com', sub: 'ann', claims: { email: ANN } };
    const id = await service.connect({ emailAddress: 'team@example.com', isShared: true });
    expect(await auth(id)).toMatchObject({ auth: { identity: ANN }, imap: { username: 'team@example.com' } });
  });

  test('that is connected with a password, is reconnected by the sign-in and keeps its mail', async () => {
    const former = await connectAccount(service, { ...lab.dovecot, password: lab.dovecot.password }, 'ann', {
      emailAddress: ANN,
      verify: false,
    });
    const id = await service.connect({ emailAddress: ANN });
    expect(id).toBe(former);
    expect(await auth(id)).toMatchObject({ auth: { method: 'OAUTH' }, imap: { username: ANN } });
  });
});

describe('a page says what happened and offers the next step', () => {
  const again = expect.stringMatching(/href="\/oauth\/start\/[\w-]+">Try again/);

  test.each<[string, object, string, string]>([
    ['a refused consent', { error: 'access_denied' }, 'OAUTH_CONSENT_REFUSED', 'Access was not allowed'],
    ['a scope that was not ticked', { scope: 'openid email' }, 'OAUTH_SCOPE_MISSING', 'tick the box'],
    ['another account', { email: 'zoe@example.com', sub: 'zoe' }, 'OAUTH_WRONG_ACCOUNT', 'You signed in as zoe@'],
    ['an administrator who must approve', { error: 'admin_policy_enforced' }, 'OAUTH_ADMIN_REQUIRED', 'administrator'],
    ['another issuer', { iss: 'https://evil.example.com' }, 'OAUTH_ANSWER_INVALID', 'does not fit the sign-in'],
    ['another nonce', { claims: { nonce: 'other' } }, 'OAUTH_ANSWER_INVALID', 'does not fit the sign-in'],
  ])('%s', async (_, change, code, text) => {
    const { url, id } = await service.start({ emailAddress: ANN });
    Object.assign(lab.provider.person, change);
    const page = await service.browser.submit(url);
    expect([page.status, page.text, page.body]).toEqual([400, expect.stringContaining(text), again]);
    expect(await service.attempt(id)).toMatchObject({ status: 'FAILED', error: { code }, account: null });

    lab.provider.person = { ...ann };
    await service.browser.submit(url);
    expect(await service.attempt(id)).toMatchObject({ status: 'SUCCEEDED', error: null });
  });

  test.each([
    ['an error of its proxy', html(503), 'OAUTH_UNAVAILABLE'],
    ['a wrong secret', refusal('invalid_client', {}, 401), 'OAUTH_PROVIDER_MISCONFIGURED'],
    ['no refresh token', { change: { refresh_token: undefined } }, 'OAUTH_NO_REFRESH_TOKEN'],
  ])('a token endpoint with %s', async (_, mishap, code) => {
    const { url, id } = await service.start({ emailAddress: ANN });
    lab.provider.mishaps.push(mishap);
    expect((await service.browser.submit(url)).body).toEqual(again);
    expect(await service.attempt(id)).toMatchObject({ status: 'FAILED', error: { code } });
  });

  test('a mailbox that the server does not open', async () => {
    lab.provider.person = { email: 'nobody@example.org', sub: 'nobody' };
    lab.dovecot.addUser('nobody@example.org');
    const { url, id } = await service.start({ emailAddress: 'other@example.org', isShared: true });
    await service.browser.submit(url);
    expect((await service.attempt(id)).error?.code).toBe('OAUTH_LOGIN_REFUSED');
  });

  test('a callback that is repeated shows the result, and sends no second code', async () => {
    const { url, id } = await service.start({ emailAddress: ANN });
    const callback = await begun(url);
    const before = lab.provider.received.at('token').length;
    await service.browser.get(callback);
    const repeated = await service.browser.get(callback);
    expect([repeated.status, repeated.text]).toEqual([200, expect.stringContaining('is connected')]);
    expect(lab.provider.received.at('token').length).toBe(before + 1);
    expect((await service.attempt(id)).status).toBe('SUCCEEDED');
  });

  test('a callback in another browser is refused, and does not end the sign-in', async () => {
    const { url, id } = await service.start({ emailAddress: ANN });
    const callback = await begun(url);
    const other = createTestBrowser({ ca: lab.provider.ca });
    expect((await other.get(callback)).text).toContain('begun in another browser');
    const wrong = new URL(callback);
    wrong.searchParams.set('state', 'made-up');
    expect((await service.browser.get(wrong)).status).toBe(400);
    await service.browser.get(callback);
    expect((await service.attempt(id)).status).toBe('SUCCEEDED');
  });

  test('a link that is too old, or is not one', async () => {
    const { url } = await service.start({ emailAddress: ANN });
    expect((await service.browser.get(`${url}x`)).status).toBe(404);
    await service.browser.submit(url);
    expect((await service.browser.get(url)).text).toContain('The mailbox is connected');
  });

  /** Confirms in the service's browser, and returns the address of the callback. */
  const begun = (url: string): Promise<URL> => service.browser.submitUntil(url, `${service.url}/oauth/callback`);
});

describe('startOAuth', () => {
  const codeOf = async (input: object): Promise<string | undefined> => {
    const { errors } = await service.ask('mutation ($input: StartOAuthInput!) { startOAuth(input: $input) { url } }', {
      input,
    });
    return errors?.[0]?.extensions.code;
  };

  test.each([
    ['an unknown provider', { provider: 'nobody' }, 'NOT_FOUND'],
    ['an address that is none', { provider: 'example', emailAddress: 'x' }, 'BAD_USER_INPUT'],
    ['a shared mailbox without its address', { provider: 'example', isShared: true }, 'BAD_USER_INPUT'],
    ['an account that does not exist', { provider: 'example', accountId: 'x' }, 'NOT_FOUND'],
  ])('%s is refused', async (_, input, code) => {
    expect(await codeOf(input)).toBe(code);
  });

  test('an account at another server is refused, and another tenant sees no attempt', async () => {
    const server = { ...lab.dovecot, host: 'localhost' };
    const accountId = await connectAccount(service, server, 'ann', { verify: false });
    expect(await codeOf({ provider: 'example', accountId })).toBe('BAD_USER_INPUT');

    const { id } = await service.start();
    const other = await addTenant('third');
    const { data } = await service.ask('query ($id: ID!) { oauthAttempt(id: $id) { status } }', { id }, other);
    expect(data).toEqual({ oauthAttempt: null });
  });

  test('providers are listed for the addresses of their domains', async () => {
    const query = 'query ($of: String) { oauthProviders(emailAddress: $of) { id name adminConsentUrl } }';
    const example = { id: 'example', name: 'Example Mail', adminConsentUrl: null };
    expect(await service.data(query)).toEqual({ oauthProviders: [example] });
    expect(await service.data(query, { of: 'x@Example.com' })).toEqual({ oauthProviders: [example] });
  });

  test('the subscription sends each state until the end', async () => {
    const { url, id } = await service.start({ emailAddress: ANN });
    const client = service.webSocket();
    const seen: string[] = [];
    const ended = (async () => {
      const query = 'subscription ($id: ID!) { oauthAttempt(id: $id) { status } }';
      for await (const { data } of client.iterate<{ oauthAttempt: { status: string } }>({ query, variables: { id } })) {
        seen.push(data!.oauthAttempt.status);
        if (seen.length === 1) await service.browser.submit(url);
      }
    })();
    await ended;
    await client.dispose();
    expect([seen[0], seen.at(-1)]).toEqual(['CREATED', 'SUCCEEDED']);
  });
});

test('no log line has a secret of a sign-in', async () => {
  const { url } = await service.start({ emailAddress: ANN });
  await service.browser.submit(url);
  const sent = lab.provider.received.at('token').at(-1)!.form;
  const ticket = url.split('/').at(-1)!;
  for (const secret of [ticket, sent.get('code')!, sent.get('code_verifier')!, sent.get('client_secret')!]) {
    expect(service.log()).not.toContain(secret);
  }
});
