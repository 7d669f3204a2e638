import type { EmailAccount } from '../generated/prisma/client.ts';
import type { ImapLogin } from '../imap/connection.ts';
import type { HostPolicy } from '../net/resolve-host.ts';
import { openCredentials } from './credentials.ts';
import { checkHost } from './host-policy.ts';
import type { Keyring } from './keyring.ts';

export type StoredLogin = Pick<
  EmailAccount,
  'id' | 'imapHost' | 'imapPort' | 'imapSecurity' | 'imapUsername' | 'credentials'
>;

/**
 * Returns the login of a stored account. Decrypts its credentials, and checks the host again, because its addresses may
 * have changed.
 * @throws CREDENTIALS_UNREADABLE, and the errors of {@link checkHost}
 */
export type LoginOf = (account: StoredLogin) => Promise<ImapLogin>;

export function createLogins(keyring: Keyring, policy: HostPolicy): LoginOf {
  return async (account) => {
    const credentials = openCredentials(keyring, account.id, account.credentials);
    const { imapPort: port, imapSecurity: security, imapUsername: username } = account;
    return { ...(await checkHost(account.imapHost, security, policy)), port, security, username, credentials };
  };
}
