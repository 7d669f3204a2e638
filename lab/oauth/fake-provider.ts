import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { OAuthPassdb } from '../servers/dovecot-oauth.ts';
import { startHttpsServer } from '../servers/https-server.ts';
import { Endpoints, PATHS, type Rules } from './endpoints.ts';
import { Grants, newGrant, type Person, type Rotation } from './grants.ts';
import { answerWith, type Mishap, takeMishap } from './mishaps.ts';
import { Received } from './received.ts';
import { createServiceAccount, type ServiceAccountKey } from './service-account.ts';
import { type Algorithm, createSigner } from './signer.ts';
import { type Client, type Delegation, type IssuedTokens, TokenEndpoint } from './token-endpoint.ts';

export const FAKE_CLIENT = { id: 'mailtide', secret: 'client-secret-of-mailtide' };
/** Without this scope, Dovecot refuses an access token. */
export const MAIL_SCOPE = 'mail';

/**
 * An OpenID provider on loopback, over TLS, that misbehaves on request:
 *
 * - `person` signs in at /authorize and agrees at once (`signIn` of browser.ts is their browser). Set their `email` and
 *   `sub`, an `error`, a smaller `scope`, wrong `claims` of the id token, or a wrong `iss` of the redirect.
 * - `mishaps` happen to the next requests, one each, and are listed in mishaps.ts:
 *   `mishaps.push(html(503), tooManyRequests(7), refusal('invalid_grant', { error_subtype: 'invalid_rapt' }),
 *   hugeAnswer(2 ** 20), redirect(url), { cut: 'after' }, { delayMs: 50 }, { until: promise },
 *   { change: { expires_in: '3600', refresh_token: undefined } })`. They concern the token endpoint, or `at` another.
 * - `grantTo` creates a grant without a browser, for tests with many.
 * - `received` records each request; `received.refreshCounts()` and `received.invalidGrants()` sum them up.
 * - `passdb` configures a Dovecot for its access tokens: `startDovecot({ oauth: provider.passdb('local') })`.
 */
export interface FakeOAuthProvider extends Rules, AsyncDisposable {
  /** PEM of the authority that signed its certificate. */
  readonly ca: string;
  person: Person;
  rotation: Rotation;
  accessLifetimeS: number;
  /** The `refresh_token_expires_in` of each answer; undefined omits it. */
  refreshLifetimeS: number | undefined;
  /** The registered redirect URIs, which are compared exactly; undefined allows all. */
  redirectUris: readonly string[] | undefined;
  /** How long a device waits between two polls, in seconds. */
  deviceIntervalS: number;
  /** How far the provider's clock is ahead, in seconds. */
  clockOffsetS: number;
  readonly mishaps: Mishap[];
  readonly received: Received;
  /** The grant type and status of the requests to the token endpoint: `refresh_token 200`. */
  readonly requests: readonly string[];

  grantTo(person: Person, scope?: string): Promise<IssuedTokens>;
  /** Revokes the grant of a token, as its owner can in the provider's settings. */
  revoke(token: string): void;
  revokeAll(): void;
  /** The person enters the code that a device shows, and agrees unless they have an `error`. */
  decideDevice(userCode: string): void;
  /** Adds a service account, and returns its key file. An administrator has delegated the scopes and mailboxes to it. */
  addServiceAccount(delegated: { scopes: string[]; mailboxes: string[] }): Promise<ServiceAccountKey>;
  passdb(validation: OAuthPassdb['validation']): OAuthPassdb;
  close(): Promise<void>;
}

export async function startOAuthProvider(
  options: { algorithm?: Algorithm; client?: Client } = {},
): Promise<FakeOAuthProvider> {
  const { algorithm = 'RS256', client = FAKE_CLIENT } = options;
  const delegations = new Map<string, Delegation>();
  const received = new Received();
  const grants = new Grants();
  const signer = await createSigner(algorithm, () => provider.clockOffsetS);
  const server = await startHttpsServer((request, response) =>
    serve(request, response).catch((error: unknown) => response.destroy(error as Error)),
  );
  const issuer = `https://localhost:${server.port}`;
  const { authority: ca } = server;
  const close = async () => server[Symbol.asyncDispose]();

  const provider: FakeOAuthProvider = {
    issuer,
    ca,
    client,
    person: { email: 'ann@example.com', sub: 'ann' },
    rotation: 'lenient',
    accessLifetimeS: 3600,
    refreshLifetimeS: undefined,
    redirectUris: undefined,
    deviceIntervalS: 1,
    clockOffsetS: 0,
    mishaps: [],
    received,
    delegations,
    get requests() {
      return received.tokenRequests();
    },
    grantTo: (person, scope = `openid email ${MAIL_SCOPE}`) =>
      tokens.issue(newGrant(person, scope), { withRefreshToken: true }),
    revoke: (token) => grants.revoke(token),
    revokeAll: () => grants.revokeAll(),
    decideDevice: (userCode) => grants.decideDevice(userCode, provider.person),
    async addServiceAccount(delegated) {
      const { key, delegation } = await createServiceAccount(issuer, delegated);
      delegations.set(key.client_email, delegation);
      return key;
    },
    passdb: (validation) => ({
      validation,
      issuer,
      scope: MAIL_SCOPE,
      usernameAttribute: 'email',
      key: signer,
      introspection: { url: `${issuer}/introspect`, client, ca },
    }),
    close,
    [Symbol.asyncDispose]: close,
  };
  const tokens = new TokenEndpoint(provider, grants, signer);
  const endpoints = new Endpoints(provider, grants, tokens, signer);

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams: query } = new URL(request.url!, issuer);
    const endpoint = PATHS[pathname];
    if (!endpoint) {
      response.writeHead(404).end();
      return;
    }
    const form = new URLSearchParams(await text(request));
    const email = grants.grantOf(form.get('refresh_token') ?? '')?.person.email;
    const record = received.add({ endpoint, query, form, email });
    const mishap = takeMishap(provider.mishaps, endpoint, form.get('grant_type'));
    const { authorization } = request.headers;
    const answer = await answerWith(mishap, response, () => endpoints.answer(endpoint, { query, form, authorization }));
    received.answered(record, answer);
  }

  return provider;
}
