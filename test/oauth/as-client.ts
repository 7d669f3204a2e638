import * as client from 'openid-client';
import { signIn } from '../../lab/oauth/browser.ts';
import { trustingFetch } from '../../lab/oauth/trusting-fetch.ts';

export const REDIRECT_URI = 'https://mailtide.example.com/oauth/callback';

type Provider = {
  readonly issuer: string;
  readonly ca: string;
  readonly client: { readonly id: string; readonly secret: string };
};

export function discover({ issuer, ca, client: { id, secret } }: Provider): Promise<client.Configuration> {
  return client.discovery(new URL(issuer), id, secret, undefined, { [client.customFetch]: trustingFetch(ca) });
}

/** Signs the provider's person in at a browser, and exchanges the code. */
export async function authorize(
  provider: Provider,
  configuration: client.Configuration,
  more: { scope?: string } & Record<string, string> = {},
): Promise<client.TokenEndpointResponse & client.TokenEndpointResponseHelpers> {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const expectedState = client.randomState();
  const expectedNonce = client.randomNonce();
  const url = client.buildAuthorizationUrl(configuration, {
    redirect_uri: REDIRECT_URI,
    scope: 'openid email mail',
    state: expectedState,
    nonce: expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    ...more,
  });
  const callback = await signIn(url, REDIRECT_URI, provider.ca);
  const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true };
  return client.authorizationCodeGrant(configuration, callback, checks);
}
