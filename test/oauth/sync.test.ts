import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { mails } from '../../lab/mail/mails.ts';
import { html } from '../../lab/oauth/mishaps.ts';
import { finishedRun, startSync, sync } from '../../lab/service/sync.ts';
import { waitFor } from '../../lab/wait.ts';
import { type OAuthLab, type OAuthService, startOAuthLab, startOAuthService } from './connected-service.ts';

/** Syncs whose access tokens end, are renewed, or are refused, against the real service, a provider and Dovecot. */
const ANN = 'ann@example.com';

let lab: OAuthLab;
let service: OAuthService;
let account: string;

beforeAll(async () => {
  lab = await startOAuthLab();
  lab.dovecot.addUser(ANN, { INBOX: mails(0, 5) });
  service = await startOAuthService(lab);
});
afterAll(async () => {
  await service?.[Symbol.asyncDispose]();
  await lab?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  Object.assign(lab.provider, { person: { email: ANN, sub: 'ann' }, rotation: 'strict', accessLifetimeS: 3600 });
  lab.provider.mishaps.length = 0;
  // A sign-in for a connected mailbox reconnects its account.
  account = await service.connect({ emailAddress: ANN });
  await waitFor(async () => (await status()).activeRun === null, { what: 'the end of the first sync' });
  lab.provider.received.all.length = 0;
});

interface Status {
  readonly activeRun: object | null;
  readonly needsAuthSince: string | null;
}

const read = () =>
  service.data<{ emailAccount: { syncStatus: Status; auth: { action: string; problem: { code: string } | null } } }>(
    `query ($id: ID!) { emailAccount(id: $id) {
      syncStatus { activeRun { id } needsAuthSince }
      auth { action problem { code } }
    } }`,
    { id: account },
  );
const status = async (): Promise<Status> => (await read()).emailAccount.syncStatus;
const auth = async () => (await read()).emailAccount.auth;
const failedSync = async () => (await finishedRun(service, await startSync(service, account))).error?.code;

test('a token that has ended is renewed once, and the next sync uses it again', async () => {
  lab.provider.accessLifetimeS = 30;
  account = await service.connect({ emailAddress: ANN });
  await waitFor(async () => (await status()).activeRun === null, { what: 'the end of the first sync' });
  lab.provider.received.all.length = 0;
  lab.provider.accessLifetimeS = 3600;
  await sync(service, account);
  await sync(service, account);
  expect(lab.provider.requests).toEqual(['refresh_token 200']);
});

test('a provider that is down fails the run, and blames no account', async () => {
  lab.provider.accessLifetimeS = 30;
  account = await service.connect({ emailAddress: ANN });
  await waitFor(async () => (await status()).activeRun === null, { what: 'the end of the first sync' });
  lab.provider.mishaps.push(html(503), { cut: 'before' });
  expect(await failedSync()).toBe('OAUTH_UNAVAILABLE');
  expect(await failedSync()).toBe('OAUTH_UNAVAILABLE');
  expect((await status()).needsAuthSince).toBeNull();
  expect(await auth()).toEqual({ action: 'NONE', problem: null });
  await sync(service, account);
});

test('a revoked grant needs a new sign-in, after which the account continues where it was', async () => {
  lab.provider.accessLifetimeS = 30;
  account = await service.connect({ emailAddress: ANN });
  await waitFor(async () => (await status()).activeRun === null, { what: 'the end of the first sync' });
  lab.provider.revokeAll();
  lab.provider.accessLifetimeS = 3600;
  expect(await failedSync()).toBe('OAUTH_GRANT_ENDED');
  expect((await status()).needsAuthSince).not.toBeNull();
  expect(await auth()).toEqual({ action: 'SIGN_IN', problem: { code: 'OAUTH_GRANT_ENDED' } });

  expect(await service.connect({ accountId: account })).toBe(account);
  await waitFor(async () => (await status()).activeRun === null, { what: 'the end of the sync after it' });
  const { stats } = await sync(service, account);
  expect(stats.messagesFetched).toBe(0);
  expect(await auth()).toEqual({ action: 'NONE', problem: null });
});

test('no log line has a token, in clear text or in base64', async () => {
  lab.provider.accessLifetimeS = 30;
  account = await service.connect({ emailAddress: ANN });
  await sync(service, account);
  const tokens = lab.provider.received.at('token').flatMap(({ form }) => form.get('refresh_token') ?? []);
  expect(tokens.length).toBeGreaterThan(0);
  for (const token of tokens) {
    for (const text of [token, Buffer.from(token).toString('base64').slice(0, -4)]) {
      expect(service.log()).not.toContain(text);
    }
  }
});
