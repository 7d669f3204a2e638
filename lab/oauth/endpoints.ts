import { type Grants, type Person, Refused } from './grants.ts';
import type { Answer, Endpoint } from './mishaps.ts';
import type { Algorithm, Signer } from './signer.ts';
import { GRANT_TYPES, type TokenEndpoint, type TokenRules } from './token-endpoint.ts';

/** What the endpoints depend on. The test may change it between two requests. */
export interface Rules extends TokenRules {
  readonly person: Person;
  readonly redirectUris: readonly string[] | undefined;
  readonly deviceIntervalS: number;
}

export interface Asked {
  readonly query: URLSearchParams;
  readonly form: URLSearchParams;
  readonly authorization: string | undefined;
}

export const PATHS: Readonly<Record<string, Endpoint>> = {
  '/.well-known/openid-configuration': 'metadata',
  '/.well-known/oauth-authorization-server': 'metadata',
  '/jwks': 'jwks',
  '/authorize': 'authorize',
  '/token': 'token',
  '/device': 'device',
  '/revoke': 'revoke',
  '/introspect': 'introspect',
};

/** The proper answer of each endpoint. */
export class Endpoints {
  readonly #rules: Rules;
  readonly #grants: Grants;
  readonly #tokens: TokenEndpoint;
  readonly #signer: Signer;

  constructor(rules: Rules, grants: Grants, tokens: TokenEndpoint, signer: Signer) {
    this.#rules = rules;
    this.#grants = grants;
    this.#tokens = tokens;
    this.#signer = signer;
  }

  async answer(endpoint: Endpoint, asked: Asked): Promise<Answer> {
    try {
      return await this.#answer(endpoint, asked);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      // RFC 6749, 5.2: a challenge only answers a client that has sent this header.
      const headers = error.status === 401 && asked.authorization ? { 'www-authenticate': 'Basic realm="fake"' } : {};
      return { status: error.status, headers, body: { error: error.error, error_description: error.message } };
    }
  }

  async #answer(endpoint: Endpoint, { query, form, authorization }: Asked): Promise<Answer> {
    switch (endpoint) {
      case 'metadata':
        return { status: 200, body: metadata(this.#rules.issuer, this.#signer.algorithm) };
      case 'jwks':
        return { status: 200, body: this.#signer.jwks };
      case 'authorize':
        return this.#authorize(query);
      case 'token':
        return { status: 200, body: await this.#tokens.answer(form, authorization) };
      case 'device':
        return this.#device(form);
      case 'revoke':
        await this.#tokens.requireClient(form, authorization);
        this.#grants.revoke(form.get('token') ?? '');
        return { status: 200, body: '' };
      case 'introspect':
        await this.#tokens.requireClient(form, authorization);
        return { status: 200, body: this.#introspect(form.get('token') ?? '') };
    }
  }

  #authorize(query: URLSearchParams): Answer {
    const { person, client, issuer, redirectUris } = this.#rules;
    const redirectUri = query.get('redirect_uri') ?? '';
    if (query.get('client_id') !== client.id) return page(401, 'The OAuth client was not found.');
    if (redirectUris && !redirectUris.includes(redirectUri)) return page(400, 'Error 400: redirect_uri_mismatch');
    const back = new URL(redirectUri);
    const state = query.get('state');
    if (state) back.searchParams.set('state', state);
    back.searchParams.set('iss', person.iss ?? issuer);
    const error = query.get('response_type') === 'code' ? person.error : 'unsupported_response_type';
    if (error) back.searchParams.set('error', error);
    else back.searchParams.set('code', this.#grants.addCode(person, query));
    return { status: 302, headers: { location: back.href }, body: '' };
  }

  /** RFC 8628, 3.2. */
  #device(form: URLSearchParams): Answer {
    const { client, issuer, deviceIntervalS } = this.#rules;
    if (form.get('client_id') !== client.id) throw new Refused('invalid_client', 'Unknown client', 401);
    const { deviceCode, userCode } = this.#grants.addDevice(form.get('scope') ?? '');
    const body = {
      device_code: deviceCode,
      user_code: userCode,
      verification_uri: `${issuer}/activate`,
      expires_in: 600,
      interval: deviceIntervalS,
    };
    return { status: 200, body };
  }

  /** RFC 7662, 2.2. */
  #introspect(token: string): object {
    const found = this.#grants.grantOf(token);
    if (!found || found.isRevoked || this.#grants.hasEnded(token, this.#signer.now())) return { active: false };
    const { person, scope } = found;
    const { email, sub } = person;
    return { active: true, iss: this.#rules.issuer, client_id: this.#rules.client.id, scope, sub, email };
  }
}

const page = (status: number, text: string): Answer => ({ status, body: `<!doctype html><p>${text}</p>` });

const metadata = (issuer: string, algorithm: Algorithm) => ({
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  device_authorization_endpoint: `${issuer}/device`,
  revocation_endpoint: `${issuer}/revoke`,
  introspection_endpoint: `${issuer}/introspect`,
  jwks_uri: `${issuer}/jwks`,
  scopes_supported: ['openid', 'email', 'offline_access', 'mail'],
  response_types_supported: ['code'],
  grant_types_supported: GRANT_TYPES,
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: [algorithm],
  token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
  code_challenge_methods_supported: ['S256'],
  authorization_response_iss_parameter_supported: true,
});
