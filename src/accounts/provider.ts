/** What a server accepts as credentials: a password, or an OAuth2 access token. */
export type Authentication = 'PASSWORD' | 'OAUTH2';

/** A large provider: its IMAP server, and what it accepts as a password. */
export interface Provider {
  readonly name: string;
  /** The domains of its users' addresses. */
  readonly domains: readonly string[];
  /** Its IMAP server, with TLS on port 993. */
  readonly host: string;
  /** The domains of its servers' names: the MX of domains that it hosts, and its other IMAP servers. */
  readonly servers: readonly string[];
  /** The form of the username: the email address, or the part before the @. */
  readonly username: 'ADDRESS' | 'LOCAL_PART';
  /** What users without OAuth2 enter: the password of its website, an app password; or a token, if there is no other. */
  readonly login: 'PASSWORD' | 'APP_PASSWORD' | 'OAUTH2';
  /** In its order of preference. */
  readonly authentication: readonly Authentication[];
  /** What the user must do before a login works; null if nothing. */
  readonly loginHint: string | null;
  readonly loginUrl: string | null;
}
