import { MailtideError } from '../errors.ts';
import type { ImapLogin } from '../imap/connection.ts';
import type { Keyring } from './keyring.ts';
import { seal, unseal } from './seal.ts';

export type Credentials = ImapLogin['credentials'];

/** Encrypts credentials for the account with this id. */
export const sealCredentials = (keyring: Keyring, accountId: string, credentials: Credentials): string =>
  seal(keyring, accountId, JSON.stringify(credentials));

/** Decrypts credentials. @throws CREDENTIALS_UNREADABLE if the key, the envelope or the account is a different one */
export function openCredentials(keyring: Keyring, accountId: string, envelope: string): Credentials {
  try {
    return JSON.parse(unseal(keyring, accountId, envelope)) as Credentials;
  } catch (error) {
    throw new MailtideError('CREDENTIALS_UNREADABLE', { cause: error });
  }
}
