import { hash, randomBytes } from 'node:crypto';
import type { JWTPayload } from 'jose';

/** The user at the browser, and what happens to their consent. */
export interface Person {
  email: string;
  sub: string;
  /** The error of the authorization endpoint or of the device flow, such as `access_denied`, instead of a code. */
  error?: string | undefined;
  /** The scopes that they leave ticked; all that are requested by default. */
  scope?: string | undefined;
  /** Claims to change in the id token, such as a wrong `iss`, `nonce` or `aud`; undefined removes one. */
  claims?: JWTPayload | undefined;
  /** The `iss` of the redirect (RFC 9207). */
  iss?: string | undefined;
}

export interface Grant {
  readonly person: Person;
  readonly scope: string;
  isRevoked: boolean;
}

/**
 * Whether a refresh returns a new refresh token. `none`: the first one stays (Google). `lenient`: the former ones stay
 * valid (Microsoft). `strict`: the second use of one revokes its grant (Fastmail, Keycloak).
 */
export type Rotation = 'none' | 'lenient' | 'strict';

type Code = { grant: Grant; request: URLSearchParams; isUsed: boolean };
type Device = { userCode: string; scope: string; grant?: Grant; error?: string };

/** A refusal of the token endpoint (RFC 6749, 5.2). */
export class Refused extends Error {
  readonly status: number;
  readonly error: string;
  constructor(error: string, description: string, status = 400) {
    super(description);
    this.error = error;
    this.status = status;
  }
}

const newSecret = (prefix: string): string => `${prefix}-${randomBytes(24).toString('base64url')}`;

/** All that a provider has issued. */
export class Grants {
  readonly #codes = new Map<string, Code>();
  readonly #refreshTokens = new Map<string, { grant: Grant; isUsed: boolean }>();
  readonly #accessTokens = new Map<string, { grant: Grant; endS: number }>();
  readonly #devices = new Map<string, Device>();

  addCode(person: Person, request: URLSearchParams): string {
    const code = newSecret('code');
    this.#codes.set(code, { grant: newGrant(person, request.get('scope') ?? ''), request, isUsed: false });
    return code;
  }

  /** Returns the grant of a code, and the request that the user agreed to. A second use revokes the grant. */
  redeemCode(form: URLSearchParams): { grant: Grant; request: URLSearchParams } {
    const code = this.#codes.get(form.get('code') ?? '');
    if (!code) throw new Refused('invalid_grant', 'Unknown code');
    if (code.isUsed) {
      code.grant.isRevoked = true;
      throw new Refused('invalid_grant', 'The code has been used');
    }
    code.isUsed = true;
    const challenge = hash('sha256', form.get('code_verifier') ?? '', 'base64url');
    if (code.request.get('code_challenge') !== challenge) throw new Refused('invalid_grant', 'Wrong code_verifier');
    if (code.request.get('redirect_uri') !== form.get('redirect_uri')) {
      throw new Refused('invalid_grant', 'Wrong redirect_uri');
    }
    return code;
  }

  addRefreshToken(grant: Grant): string {
    const token = newSecret('refresh');
    this.#refreshTokens.set(token, { grant, isUsed: false });
    return token;
  }

  useRefreshToken(token: string, rotation: Rotation): Grant {
    const found = this.#refreshTokens.get(token);
    if (!found) throw new Refused('invalid_grant', 'Unknown refresh token');
    if (found.isUsed && rotation === 'strict') found.grant.isRevoked = true;
    if (found.grant.isRevoked) throw new Refused('invalid_grant', 'Token has been expired or revoked.');
    found.isUsed = true;
    return found.grant;
  }

  /** @param endS when it expires, in seconds since 1970 */
  addAccessToken(token: string, grant: Grant, endS: number): void {
    this.#accessTokens.set(token, { grant, endS });
  }

  hasEnded(token: string, nowS: number): boolean {
    return (this.#accessTokens.get(token)?.endS ?? Number.POSITIVE_INFINITY) <= nowS;
  }

  /** The grant of a token of either kind. */
  grantOf(token: string): Grant | undefined {
    return this.#refreshTokens.get(token)?.grant ?? this.#accessTokens.get(token)?.grant;
  }

  revoke(token: string): void {
    const grant = this.grantOf(token);
    if (grant) grant.isRevoked = true;
  }

  revokeAll(): void {
    for (const { grant } of this.#refreshTokens.values()) grant.isRevoked = true;
    for (const { grant } of this.#accessTokens.values()) grant.isRevoked = true;
  }

  addDevice(scope: string): { deviceCode: string; userCode: string } {
    const deviceCode = newSecret('device');
    const userCode = randomBytes(4).toString('hex').toUpperCase();
    this.#devices.set(deviceCode, { userCode, scope });
    return { deviceCode, userCode };
  }

  /** The person enters the code, and agrees or refuses. */
  decideDevice(userCode: string, person: Person): void {
    const device = [...this.#devices.values()].find((one) => one.userCode === userCode);
    if (!device) throw new Error(`No device shows ${userCode}`);
    if (person.error) device.error = person.error;
    else device.grant = newGrant(person, device.scope);
  }

  redeemDevice(deviceCode: string): Grant {
    const device = this.#devices.get(deviceCode);
    if (!device) throw new Refused('invalid_grant', 'Unknown device code');
    if (device.error) throw new Refused(device.error, 'The user refused');
    if (!device.grant) throw new Refused('authorization_pending', 'The user has not agreed yet');
    this.#devices.delete(deviceCode);
    return device.grant;
  }
}

export const newGrant = (person: Person, requested: string): Grant => ({
  person: { ...person },
  scope: person.scope ?? requested,
  isRevoked: false,
});
