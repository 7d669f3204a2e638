import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A key as its bearer sends it: `mt_<id>_<secret>`. The id names the row, only the secret's hash is stored. */
export interface ApiKeyParts {
  readonly id: string;
  readonly secret: string;
}

/** The tenant and key that a key, or a session begun with it, identifies. */
export interface Identity {
  readonly tenantId: string;
  readonly apiKeyId: string;
}

/** An identity with the key or session on which it depends, so that revoking the key ends what was opened with it. */
export interface Credential extends Identity {
  /** SHA-256 of the key's secret, lower-case hex; null for a session. */
  readonly keyHash: string | null;
  /** The row of the session; null for a key. */
  readonly sessionId: string | null;
}

/** Some 70 bits: unique, and short enough to be quoted in a support mail. */
const ID_LENGTH = 12;
const SECRET_BYTES = 32;
const FORMAT = /^mt_([A-Za-z0-9]{1,64})_([A-Za-z0-9_-]{32,256})$/;

/** Returns a new random key. */
export function newApiKey(): string {
  const id = randomBytes(ID_LENGTH).toString('base64url').replace(/[_-]/g, '0').slice(0, ID_LENGTH);
  return `mt_${id}_${newSecret()}`;
}

/** Returns the parts of a key, or null if it is malformed. */
export function parseApiKey(key: string): ApiKeyParts | null {
  const [, id, secret] = FORMAT.exec(key) ?? [];
  return id && secret ? { id, secret } : null;
}

/** Returns 32 random bytes, encoded for headers, cookies and URLs. */
export const newSecret = (): string => randomBytes(SECRET_BYTES).toString('base64url');

/** Returns a plain SHA-256, which suffices: a random secret of 256 bits cannot be guessed, so it needs no slow hash. */
export const hashSecret = (secret: string): Buffer => createHash('sha256').update(secret).digest();

/** Compares in constant time. */
export const secretMatches = (secret: string, hash: Uint8Array): boolean =>
  hash.length === 32 && timingSafeEqual(hashSecret(secret), hash);
