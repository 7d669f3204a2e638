import { type CryptoKey, decodeJwt, type JWTPayload, jwtVerify } from 'jose';
import { type Grant, type Grants, newGrant, type Person, Refused, type Rotation } from './grants.ts';
import type { Signer } from './signer.ts';

export const GRANT_TYPES = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  'urn:ietf:params:oauth:grant-type:device_code',
  'urn:ietf:params:oauth:grant-type:jwt-bearer',
];

export interface Client {
  readonly id: string;
  readonly secret: string;
  /** Verifies a `client_assertion` (RFC 7523), which is then accepted in place of the secret. */
  readonly publicKey?: CryptoKey;
}

/** A service account with domain-wide delegation. */
export interface Delegation {
  readonly publicKey: CryptoKey;
  /** The scopes and the mailboxes that an administrator has delegated. */
  scopes: string[];
  mailboxes: string[];
}

/** An answer of RFC 6749, 5.1. */
export interface IssuedTokens {
  readonly access_token: string;
  readonly token_type: 'Bearer';
  readonly expires_in: number;
  readonly scope: string;
  readonly refresh_token?: string;
  readonly refresh_token_expires_in?: number;
  readonly id_token?: string;
}

/** What the token endpoint depends on. The test may change it between two requests. */
export interface TokenRules {
  readonly issuer: string;
  readonly client: Client;
  readonly person: Person;
  readonly rotation: Rotation;
  readonly accessLifetimeS: number;
  readonly refreshLifetimeS: number | undefined;
  /** By the service account's address. */
  readonly delegations: ReadonlyMap<string, Delegation>;
}

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const MAX_ASSERTION_S = 3600;

/** Answers the requests of an authenticated client, or throws `Refused`. */
export class TokenEndpoint {
  readonly #rules: TokenRules;
  readonly #grants: Grants;
  readonly #signer: Signer;

  constructor(rules: TokenRules, grants: Grants, signer: Signer) {
    this.#rules = rules;
    this.#grants = grants;
    this.#signer = signer;
  }

  async answer(form: URLSearchParams, authorization: string | undefined): Promise<IssuedTokens> {
    const type = form.get('grant_type') ?? '';
    // A service account's assertion authenticates on its own (RFC 7523, 2.1).
    if (!type.endsWith('jwt-bearer')) await this.requireClient(form, authorization);
    switch (type) {
      case 'authorization_code': {
        const { grant, request } = this.#grants.redeemCode(form);
        return this.issue(grant, { nonce: request.get('nonce'), withRefreshToken: true });
      }
      case 'refresh_token': {
        const { rotation } = this.#rules;
        const grant = this.#grants.useRefreshToken(form.get('refresh_token') ?? '', rotation);
        requireWithin(form.get('scope') ?? '', grant.scope);
        return this.issue(grant, { withRefreshToken: rotation !== 'none' });
      }
      case 'urn:ietf:params:oauth:grant-type:device_code':
        return this.issue(this.#grants.redeemDevice(form.get('device_code') ?? ''), { withRefreshToken: true });
      case 'client_credentials':
        return this.issue(newGrant(this.#rules.person, form.get('scope') ?? ''));
      case 'urn:ietf:params:oauth:grant-type:jwt-bearer':
        return this.issue(await this.#delegated(form.get('assertion') ?? ''));
      default:
        throw new Refused('unsupported_grant_type', `No grant type ${type}`);
    }
  }

  async issue(
    grant: Grant,
    options: { nonce?: string | null; withRefreshToken?: boolean } = {},
  ): Promise<IssuedTokens> {
    const { accessLifetimeS, refreshLifetimeS, client } = this.#rules;
    const { person, scope } = grant;
    const { sub, email } = person;
    const accessToken = await this.#sign({ sub, email, scope, aud: 'mail', jti: crypto.randomUUID() });
    this.#grants.addAccessToken(accessToken, grant, this.#signer.now() + accessLifetimeS);
    const idClaims = { sub, email, aud: client.id, ...(options.nonce && { nonce: options.nonce }), ...person.claims };
    return {
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: accessLifetimeS,
      scope,
      ...(options.withRefreshToken && { refresh_token: this.#grants.addRefreshToken(grant) }),
      ...(refreshLifetimeS !== undefined && { refresh_token_expires_in: refreshLifetimeS }),
      ...(scope.split(' ').includes('openid') && { id_token: await this.#sign(idClaims) }),
    };
  }

  /** By client_secret_basic, client_secret_post or private_key_jwt. */
  async requireClient(form: URLSearchParams, authorization: string | undefined): Promise<void> {
    const { client, issuer } = this.#rules;
    const assertion = form.get('client_assertion');
    if (assertion && client.publicKey && form.get('client_assertion_type') === ASSERTION_TYPE) {
      const expected = { issuer: client.id, subject: client.id, audience: [issuer, `${issuer}/token`] };
      await this.#verified(assertion, client.publicKey, expected, 'invalid_client');
      return;
    }
    const [id, secret] = basic(authorization) ?? [form.get('client_id'), form.get('client_secret')];
    if (id !== client.id || secret !== client.secret) {
      throw new Refused('invalid_client', 'Unknown client or wrong secret', 401);
    }
  }

  /** The answers are Google's. */
  async #delegated(assertion: string): Promise<Grant> {
    const iss = issuerOf(assertion);
    const delegation = this.#rules.delegations.get(iss);
    if (!delegation) throw new Refused('invalid_grant', 'Invalid grant: account not found');
    const expected = { issuer: iss, audience: `${this.#rules.issuer}/token` };
    const {
      sub = '',
      scope,
      exp = 0,
      iat = 0,
    } = await this.#verified(assertion, delegation.publicKey, expected, 'invalid_grant');
    if (exp - iat > MAX_ASSERTION_S) {
      throw new Refused('invalid_grant', 'Invalid JWT: Token must be a short-lived token (60 minutes)');
    }
    const scopes = String(scope);
    if (!scopes.split(' ').every((one) => delegation.scopes.includes(one))) {
      const text = 'Client is unauthorized to retrieve access tokens using this method, or client not authorized';
      throw new Refused('unauthorized_client', text, 401);
    }
    if (!delegation.mailboxes.includes(sub)) throw new Refused('invalid_grant', 'Invalid email or User ID');
    return newGrant({ sub, email: sub }, scopes);
  }

  #sign(claims: JWTPayload): Promise<string> {
    return this.#signer.sign({ iss: this.#rules.issuer, ...claims }, this.#rules.accessLifetimeS);
  }

  async #verified(
    token: string,
    key: CryptoKey,
    expected: { issuer: string; subject?: string; audience: string | string[] },
    error: string,
  ): Promise<JWTPayload> {
    const currentDate = new Date(this.#signer.now() * 1000);
    try {
      return (await jwtVerify(token, key, { ...expected, currentDate, requiredClaims: ['exp'] })).payload;
    } catch (cause) {
      throw new Refused(error, `Invalid JWT: ${String(cause)}`, error === 'invalid_client' ? 401 : 400);
    }
  }
}

/** RFC 6749, 6: a refresh must not ask for more than was granted. */
function requireWithin(requested: string, granted: string): void {
  const all = granted.split(' ');
  const missing = requested.split(' ').filter((one) => one && !all.includes(one));
  if (missing.length > 0) throw new Refused('invalid_scope', `Not granted: ${missing.join(' ')}`);
}

/** RFC 6749, 2.3.1: both parts are encoded as form fields. */
function basic(authorization = ''): string[] | undefined {
  if (!authorization.startsWith('Basic ')) return undefined;
  const pair = Buffer.from(authorization.slice('Basic '.length), 'base64').toString();
  return pair.split(':').map((part) => decodeURIComponent(part.replaceAll('+', ' ')));
}

function issuerOf(assertion: string): string {
  try {
    return decodeJwt(assertion).iss ?? '';
  } catch {
    throw new Refused('invalid_grant', 'Invalid JWT');
  }
}
