import type { ConnectionSecurity } from '../domain/imap-types.ts';

/** An OAuth provider as the operator has configured it (configured-providers.ts). */
export interface OAuthProvider {
  /** Names it in the API and in stored grants, e.g. `google`. */
  readonly id: string;
  /** As people know it: "Continue with Google". */
  readonly name: string;
  readonly server: AuthorizationServer;
  readonly clientId: string;
  readonly clientSecret: string;
  /** All scopes to ask for. */
  readonly scopes: readonly string[];
  /** The scope that opens the mailbox: a person may refuse it and grant the rest. */
  readonly mailScope: string;
  /** Parameters of the authorization request besides those of OAuth and PKCE. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Where the access tokens are sent, and nowhere else. */
  readonly imap: { readonly host: string; readonly port: number; readonly security: ConnectionSecurity };
  /** The domains of its addresses. It is offered for others too if their mail is at its server. */
  readonly domains: readonly string[];
  /** Some providers require `scope` in a refresh (Microsoft: a token is for one resource). */
  readonly sendsScopeOnRefresh: boolean;
  /** Where an administrator approves this installation for all users; null if the provider has no such page. */
  readonly adminConsentEndpoint: string | null;
}

/** Its endpoints: those that its metadata names (OpenID Connect Discovery, RFC 8414), or fixed ones. */
export type AuthorizationServer =
  | { readonly issuer: string; readonly metadata: 'openid' | 'oauth' }
  | { readonly issuer: string; readonly metadata: FixedEndpoints };

export interface FixedEndpoints {
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
}

/** Returns whether the provider states who signed in, by an id token. */
export const hasIdToken = ({ scopes }: Pick<OAuthProvider, 'scopes'>): boolean => scopes.includes('openid');

/** Returns the provider of an address by its domain. */
export const providersOfAddress = (providers: readonly OAuthProvider[], emailAddress: string): OAuthProvider[] => {
  const domain = emailAddress.slice(emailAddress.lastIndexOf('@') + 1).toLowerCase();
  return providers.filter(({ domains }) => domains.includes(domain));
};
