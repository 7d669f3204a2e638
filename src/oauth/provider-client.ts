import * as oauth from 'openid-client';
import type { PinnedFetch, PinnedFetchInit } from '../net/pinned-fetch.ts';
import { toOAuthError } from './failure.ts';
import { hasIdToken, type OAuthProvider } from './provider.ts';
import { type TokenAnswer, tokenAnswer } from './token-answer.ts';

/** The secrets of one sign-in, which the callback must fit (RFC 7636; OpenID Connect Core, 3.1.2.1). */
export interface SignInSecrets {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** One provider's endpoints. All methods reject with the OAUTH_ codes of the table of errors. */
export interface ProviderClient {
  readonly provider: OAuthProvider;
  /** Returns the page at which the person signs in. `loginHint` is the address to offer there. */
  signInPage(redirectUri: string, secrets: SignInSecrets, loginHint: string | null): Promise<URL>;
  /** Checks the address to which the browser came back, and exchanges its code. */
  exchange(callback: URL, secrets: SignInSecrets): Promise<TokenAnswer>;
  refresh(refreshToken: string): Promise<TokenAnswer>;
  /** Revokes a token that is not needed any more (RFC 7009). Does nothing if it has no such endpoint. */
  revoke(token: string): Promise<void>;
}

/** How long metadata is used before it is read again, in ms. */
const METADATA_MS = 24 * 60 * 60_000;

export const newSignIn = (): SignInSecrets => ({
  state: oauth.randomState(),
  nonce: oauth.randomNonce(),
  verifier: oauth.randomPKCECodeVerifier(),
});

export function createProviderClient(provider: OAuthProvider, fetch: PinnedFetch): ProviderClient {
  const customFetch: oauth.CustomFetch = (url, options) => fetch(url, options as PinnedFetchInit);
  let known: { readonly configuration: Promise<oauth.Configuration>; readonly until: number } | null = null;

  function configuration(): Promise<oauth.Configuration> {
    if (known && performance.now() < known.until) return known.configuration;
    const reading = readConfiguration(provider, customFetch);
    const entry = { configuration: reading, until: performance.now() + METADATA_MS };
    known = entry;
    reading.catch(() => {
      if (known === entry) known = null;
    });
    return reading;
  }

  async function askForTokens(
    ask: (
      configuration: oauth.Configuration,
    ) => Promise<oauth.TokenEndpointResponse & oauth.TokenEndpointResponseHelpers>,
  ): Promise<TokenAnswer> {
    try {
      const ready = await configuration();
      const began = performance.now();
      const answer = await ask(ready);
      return tokenAnswer(answer, answer.claims(), (performance.now() - began) / 1000);
    } catch (error) {
      throw toOAuthError(error);
    }
  }

  return {
    provider,

    async signInPage(redirectUri, { state, nonce, verifier }, loginHint) {
      const ready = await configuration().catch((error: unknown) => {
        throw toOAuthError(error);
      });
      return oauth.buildAuthorizationUrl(ready, {
        redirect_uri: redirectUri,
        scope: provider.scopes.join(' '),
        state,
        ...(hasIdToken(provider) ? { nonce } : {}),
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        ...provider.parameters,
        ...(loginHint ? { login_hint: loginHint } : {}),
      });
    },

    exchange: (callback, { state, nonce, verifier }) =>
      askForTokens((ready) =>
        oauth.authorizationCodeGrant(ready, callback, {
          pkceCodeVerifier: verifier,
          expectedState: state,
          ...(hasIdToken(provider) ? { expectedNonce: nonce, idTokenExpected: true } : {}),
        }),
      ),

    refresh: (refreshToken) =>
      askForTokens((ready) => {
        const scope: Record<string, string> = provider.sendsScopeOnRefresh ? { scope: provider.scopes.join(' ') } : {};
        return oauth.refreshTokenGrant(ready, refreshToken, scope);
      }),

    async revoke(token) {
      const ready = await configuration();
      if (!ready.serverMetadata().revocation_endpoint) return;
      await oauth.tokenRevocation(ready, token).catch((error: unknown) => {
        throw toOAuthError(error);
      });
    },
  };
}

async function readConfiguration(
  { server: { issuer, metadata }, clientId, clientSecret }: OAuthProvider,
  customFetch: oauth.CustomFetch,
): Promise<oauth.Configuration> {
  if (typeof metadata === 'object') {
    const fixed = {
      issuer,
      authorization_endpoint: metadata.authorizationEndpoint,
      token_endpoint: metadata.tokenEndpoint,
    };
    const configuration = new oauth.Configuration(fixed, clientId, clientSecret);
    configuration[oauth.customFetch] = customFetch;
    return configuration;
  }
  const found = await oauth.discovery(new URL(issuer), clientId, clientSecret, undefined, {
    algorithm: metadata === 'oauth' ? 'oauth2' : 'oidc',
    [oauth.customFetch]: customFetch,
  });
  const methods = found.serverMetadata().token_endpoint_auth_methods_supported ?? [];
  if (methods.includes('client_secret_post') || !methods.includes('client_secret_basic')) return found;
  const basic = new oauth.Configuration(found.serverMetadata(), clientId, clientSecret, oauth.ClientSecretBasic());
  basic[oauth.customFetch] = customFetch;
  return basic;
}
