import type { IncomingMessage, ServerResponse } from 'node:http';
import { exportJWK, generateKeyPair } from 'jose';
import { type Configuration, Provider } from 'oidc-provider';
import type { OAuthPassdb } from '../servers/dovecot-oauth.ts';
import { startHttpsServer } from '../servers/https-server.ts';
import { FAKE_CLIENT, MAIL_SCOPE } from './fake-provider.ts';
import { memoryAdapter } from './memory-adapter.ts';

export interface ConformantProvider extends AsyncDisposable {
  readonly issuer: string;
  readonly ca: string;
  readonly client: typeof FAKE_CLIENT;
  /** The address of the next person to sign in, and their subject. */
  email: string;
  /** Its access tokens are opaque, so that a Dovecot must ask for each. */
  passdb(): OAuthPassdb;
  close(): Promise<void>;
}

const SIGN_IN = '/sign-in';
const HOUR_S = 3600;

/**
 * A certified provider (npm's oidc-provider) that shares no code with ours and holds the client to the standards: PKCE,
 * redirect URIs, rotation of refresh tokens, and the end of a grant whose refresh token is used twice. Every
 * browser at its sign-in page is signed in as `email`, and agrees to everything.
 */
export async function startConformantProvider(redirectUris: string[]): Promise<ConformantProvider> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const key = { ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig' };
  const server = await startHttpsServer((request, response) => {
    if (!request.url!.startsWith(SIGN_IN)) return callback(request, response);
    return agree(oidc, request, response, provider.email).catch((error: unknown) => response.destroy(error as Error));
  });
  const issuer = `https://localhost:${server.port}`;
  const { authority: ca } = server;
  const close = async () => server[Symbol.asyncDispose]();
  const oidc = new Provider(issuer, configuration(redirectUris, key));
  const callback = oidc.callback();
  const provider: ConformantProvider = {
    issuer,
    ca,
    client: FAKE_CLIENT,
    email: 'ann@example.com',
    passdb: () => ({
      validation: 'introspection',
      issuer,
      scope: MAIL_SCOPE,
      usernameAttribute: 'sub',
      introspection: { url: `${issuer}/token/introspection`, client: FAKE_CLIENT, ca },
    }),
    close,
    [Symbol.asyncDispose]: close,
  };
  return provider;
}

const configuration = (redirectUris: string[], key: object): Configuration => ({
  clients: [
    {
      client_id: FAKE_CLIENT.id,
      client_secret: FAKE_CLIENT.secret,
      redirect_uris: redirectUris,
      response_types: ['code'],
      grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    },
  ],
  adapter: memoryAdapter(),
  jwks: { keys: [key] },
  cookies: { keys: ['signs the cookies of a test'] },
  scopes: ['openid', 'email', 'offline_access', MAIL_SCOPE],
  claims: { openid: ['sub'], email: ['email'] },
  // The address is in the id token, so that no request for user information follows.
  conformIdTokenClaims: false,
  findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, email: sub }) }),
  rotateRefreshToken: true,
  issueRefreshToken: () => true,
  features: {
    devInteractions: { enabled: false },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true },
    deviceFlow: { enabled: true },
  },
  // For the defaults, it prints a line each.
  ttl: Object.fromEntries(
    [
      'AccessToken',
      'AuthorizationCode',
      'DeviceCode',
      'Grant',
      'IdToken',
      'Interaction',
      'RefreshToken',
      'Session',
    ].map((kind) => [kind, HOUR_S]),
  ),
  interactions: { url: (_, { uid }) => `${SIGN_IN}/${uid}` },
});

async function agree(oidc: Provider, request: IncomingMessage, response: ServerResponse, email: string) {
  const { prompt, params, session } = await oidc.interactionDetails(request, response);
  if (prompt.name === 'login') return oidc.interactionFinished(request, response, { login: { accountId: email } });
  const grant = new oidc.Grant({ accountId: session!.accountId, clientId: String(params['client_id']) });
  grant.addOIDCScope(String(params['scope']));
  return oidc.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
}
