import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { MailtideError } from '../errors.ts';
import type { ImapLogin } from '../imap/connection.ts';
import type { Keyring } from './keyring.ts';

export type Credentials = ImapLogin['credentials'];

/**
 * The envelope `v1.<key id>.<iv>.<ciphertext and tag>`, the last two in base64url: AES-256-GCM over the credentials as
 * JSON. The key id allows key rotation. The account's id is authenticated, so that credentials cannot be copied to
 * another account.
 */
const VERSION = 'v1';
/** 96 random bits (NIST SP 800-38D), for far fewer than 2^32 encryptions with one key. */
const IV_BYTES = 12;
const TAG_BYTES = 16;

export function sealCredentials(keyring: Keyring, accountId: string, credentials: Credentials): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', keyring.keys.get(keyring.currentKeyId)!, iv);
  cipher.setAAD(Buffer.from(accountId));
  const sealed = Buffer.concat([cipher.update(JSON.stringify(credentials)), cipher.final(), cipher.getAuthTag()]);
  return [VERSION, keyring.currentKeyId, iv.toString('base64url'), sealed.toString('base64url')].join('.');
}

/** Decrypts credentials. @throws CREDENTIALS_UNREADABLE if the key, the envelope or the account is a different one */
export function openCredentials(keyring: Keyring, accountId: string, envelope: string): Credentials {
  try {
    const [version, keyId = '', iv = '', sealed = ''] = envelope.split('.');
    const key = keyring.keys.get(keyId);
    if (version !== VERSION || !key) throw new Error(`sealed as ${version} with key ${keyId}`);
    const bytes = Buffer.from(sealed, 'base64url');
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64url'), { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(accountId));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    const json = Buffer.concat([decipher.update(bytes.subarray(0, -TAG_BYTES)), decipher.final()]).toString();
    return JSON.parse(json) as Credentials;
  } catch (error) {
    throw new MailtideError('CREDENTIALS_UNREADABLE', { cause: error });
  }
}
