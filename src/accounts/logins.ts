import { MailtideError } from '../errors.ts';
import type { EmailAccount } from '../generated/prisma/client.ts';
import type { ImapLogin } from '../imap/connection.ts';
import type { HostPolicy } from '../net/resolve-host.ts';
import { type Credentials, openCredentials } from './credentials.ts';
import { checkHost } from './host-policy.ts';
import type { Keyring } from './keyring.ts';

export type StoredLogin = Pick<
  EmailAccount,
  'id' | 'imapHost' | 'imapPort' | 'imapSecurity' | 'imapUsername' | 'credentials' | 'grantId'
>;

/**
 * Returns a valid access token of a grant. With `rejected`, a token that a mail server has rejected, it returns another
 * one, or the same if it was just renewed.
 */
export type AccessTokenOf = (grantId: string, rejected?: string) => Promise<string>;

export interface Logins {
  /** Returns what an account logs in with. @throws CREDENTIALS_UNREADABLE, the OAUTH_ codes */
  credentialsOf(account: StoredLogin): Promise<Credentials>;
  /**
   * Calls `open` with the login of a stored account. The host is checked again, because its addresses may have changed.
   * If the server rejects an access token, which may have ended early, `open` is called once more with a new one.
   * @throws CREDENTIALS_UNREADABLE, the OAUTH_ codes, the errors of {@link checkHost} and of `open`
   */
  connect<Connection>(account: StoredLogin, open: (login: ImapLogin) => Promise<Connection>): Promise<Connection>;
}

export function createLogins(keyring: Keyring, policy: HostPolicy, accessTokenOf: AccessTokenOf): Logins {
  async function credentialsOf({ id, credentials, grantId }: StoredLogin): Promise<Credentials> {
    if (grantId !== null) return { accessToken: await accessTokenOf(grantId) };
    return openCredentials(keyring, id, credentials ?? '');
  }

  return {
    credentialsOf,
    async connect(account, open) {
      const { grantId, imapPort: port, imapSecurity: security, imapUsername: username } = account;
      const credentials = await credentialsOf(account);
      const checked = await checkHost(account.imapHost, security, policy);
      const login = { ...checked, port, security, username, credentials };
      try {
        return await open(login);
      } catch (error) {
        if (grantId === null || !('accessToken' in credentials) || !isRejected(error)) throw error;
        const accessToken = await accessTokenOf(grantId, credentials.accessToken);
        if (accessToken === credentials.accessToken) throw refusedToken(error);
        return open({ ...login, credentials: { accessToken } }).catch((second: unknown) => {
          throw isRejected(second) ? refusedToken(second) : second;
        });
      }
    },
  };
}

const isRejected = (error: unknown): boolean => error instanceof MailtideError && error.code === 'IMAP_AUTH_FAILED';

/** The provider issued the token, so neither a username nor a password is wrong. */
const refusedToken = (error: unknown): MailtideError => new MailtideError('OAUTH_LOGIN_REFUSED', { cause: error });
