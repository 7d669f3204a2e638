import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Keyring } from './keyring.ts';

/**
 * The envelope `v1.<key id>.<iv>.<ciphertext and tag>`, the last two in base64url: AES-256-GCM. The key id allows key
 * rotation. The id of the row that stores it is authenticated, so that a secret cannot be copied to another row.
 */
const VERSION = 'v1';
/** 96 random bits (NIST SP 800-38D), for far fewer than 2^32 encryptions with one key. */
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Encrypts a secret for the row with this id. */
export function seal(keyring: Keyring, rowId: string, secret: string): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', keyring.keys.get(keyring.currentKeyId)!, iv);
  cipher.setAAD(Buffer.from(rowId));
  const sealed = Buffer.concat([cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
  return [VERSION, keyring.currentKeyId, iv.toString('base64url'), sealed.toString('base64url')].join('.');
}

/** Decrypts a secret. @throws Error if the key, the envelope or the row is a different one */
export function unseal(keyring: Keyring, rowId: string, envelope: string): string {
  const [version, keyId = '', iv = '', sealed = ''] = envelope.split('.');
  const key = keyring.keys.get(keyId);
  if (version !== VERSION || !key) throw new Error(`sealed as ${version} with key ${keyId}`);
  const bytes = Buffer.from(sealed, 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64url'), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(rowId));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(bytes.subarray(0, -TAG_BYTES)), decipher.final()]).toString();
}
