/**
 * The table of all error codes. A code never changes its meaning; a retired one stays listed as retired.
 *
 * - `sentence`: what happened and what to do, without secrets and without the server's own words.
 * - `audience`: `caller` errors are shown as they are; `operator` errors are logged with their cause and masked.
 * - `run`: how a sync run reacts: `retry` (the cause may be temporary), `needs-auth` (stop logging in until the
 *   credentials change), `fail` (the user must act), `none` (not an error of a run).
 */
export const ERRORS = {
  UNAUTHENTICATED: row('Sign in first: send an API key as "Authorization: Bearer <key>".', 'caller', 'none'),
  FORBIDDEN: row('This API key is not allowed to do that.', 'caller', 'none'),
  NOT_FOUND: row('Not found, or you do not have access to it.', 'caller', 'none'),
  BAD_USER_INPUT: row('The input is not valid.', 'caller', 'none'),
  TOO_MANY_REQUESTS: row('Too many sign-in attempts from your address. Try again in a moment.', 'caller', 'none'),
  HOST_NAME_UNKNOWN: row(
    'This installation does not serve this host name. Its operator must set PUBLIC_URL to the address that users open.',
    'caller',
    'none',
  ),
  QUERY_TOO_COMPLEX: row('The query is too long, too deep or too expensive. Request less at once.', 'caller', 'none'),
  ANSWER_TOO_LARGE: row(
    'The response would be too large. Request fewer items, or fewer fields of each.',
    'caller',
    'none',
  ),
  REQUEST_TIME_LIMIT: row('The request took too long. Request less at once.', 'caller', 'none'),
  ACCOUNT_EXISTS: row('This email address is already connected.', 'caller', 'none'),
  ACCOUNT_PAUSED: row('This account is paused. Set isActive to true to sync it.', 'caller', 'none'),
  ACCOUNT_NEEDS_AUTH: row(
    'The server rejected the credentials of this account. Update the account with new credentials; it does not sync before that.',
    'caller',
    'none',
  ),

  HOST_NOT_ALLOWED: row(
    'This host is on a private network or on the machine that runs Mailtide, which this installation does not allow (IMAP_ALLOW_PRIVATE_HOSTS). Use a public host, or ask the operator.',
    'caller',
    'fail',
  ),
  IMAP_CLEARTEXT_NOT_ALLOWED: row(
    'An unencrypted connection (NONE) is only allowed to loopback and private hosts. Use TLS or STARTTLS.',
    'caller',
    'fail',
  ),
  IMAP_HOST_NOT_FOUND: row('No server has this name. Check the spelling of the host.', 'caller', 'fail'),
  IMAP_NAME_LOOKUP_FAILED: row('The host name could not be resolved. Try again later.', 'caller', 'retry'),
  IMAP_NO_ROUTE: row(
    'This installation has no network route to the host. Check the host and the network.',
    'caller',
    'retry',
  ),
  IMAP_UNREACHABLE: row(
    'The server does not accept connections on this port. Check the host and the port.',
    'caller',
    'retry',
  ),
  IMAP_TIMEOUT: row(
    'The server did not respond in time. Check the host and the port, or try again later.',
    'caller',
    'retry',
  ),
  IMAP_NO_GREETING: row(
    'The server accepted the connection but sent no greeting. Check the port and the security setting (993 with TLS, 143 with STARTTLS).',
    'caller',
    'retry',
  ),
  IMAP_TURNED_AWAY: row(
    'The server refused the connection. It may be overloaded or have too many connections; try again later.',
    'caller',
    'retry',
  ),
  IMAP_NOT_IMAP: row(
    'The service on this port does not speak IMAP. Check the port (993 for TLS, 143 for STARTTLS) and the security setting.',
    'caller',
    'fail',
  ),
  IMAP_TLS_FAILED: row(
    'The TLS handshake failed. Check that the port is a TLS port (usually 993), or use STARTTLS (usually 143).',
    'caller',
    'fail',
  ),
  IMAP_CERTIFICATE_EXPIRED: row(
    "The server's certificate has expired. Its administrator must renew it.",
    'caller',
    'fail',
  ),
  IMAP_CERTIFICATE_NOT_YET_VALID: row(
    "The server's certificate is not valid yet. Check the clock of the machine that runs Mailtide.",
    'caller',
    'fail',
  ),
  IMAP_CERTIFICATE_UNTRUSTED: row(
    "The server's certificate is not signed by a trusted authority. Check the host, or ask the administrator of the server.",
    'caller',
    'fail',
  ),
  IMAP_CERTIFICATE_WRONG_HOST: row(
    "The server's certificate is for another host name. Use the host name that the provider documents.",
    'caller',
    'fail',
  ),
  IMAP_STARTTLS_UNAVAILABLE: row(
    'The server does not offer STARTTLS on this port, and Mailtide never sends a password in clear text. Use TLS (usually port 993).',
    'caller',
    'fail',
  ),
  IMAP_AUTH_FAILED: row(
    'The server rejected the username or the password. Check both; some providers require an app password.',
    'caller',
    'needs-auth',
  ),
  IMAP_AUTH_UNAVAILABLE: row(
    'The server cannot log this account in at the moment. It may be busy or have too many connections; try again later.',
    'caller',
    'retry',
  ),
  MAILBOX_NOT_ACCESSIBLE: row(
    'The server accepted the login but opens no mailbox. Check that IMAP is enabled for the mailbox and that this user may access it.',
    'caller',
    'needs-auth',
  ),
  IMAP_LOGIN_DISABLED: row(
    'The server does not allow logins over this kind of connection. Use TLS or STARTTLS.',
    'caller',
    'fail',
  ),
  IMAP_CONTACT_ADMIN: row(
    "The server refuses to log this account in. Contact the provider's support or the server's administrator.",
    'caller',
    'fail',
  ),
  IMAP_AUTH_UNSUPPORTED: row(
    'The server supports no login method for these credentials over this connection. Check the credentials and the security setting.',
    'caller',
    'fail',
  ),
  IMAP_CONNECTION_LOST: row('The connection to the server was lost. Try again later.', 'caller', 'retry'),
  IMAP_THROTTLED: row('The provider asked Mailtide to slow down. The sync resumes after a pause.', 'caller', 'retry'),
  IMAP_QUOTA_EXCEEDED: row(
    "The account has reached its provider's limit. The sync resumes when the provider lifts it.",
    'caller',
    'retry',
  ),
  IMAP_SERVER_REFUSED: row(
    'The server rejected a command that every IMAP server supports. It may have a temporary problem; try again later.',
    'caller',
    'retry',
  ),
  IMAP_INVALID_ANSWER: row(
    'The server sent a response that is not valid IMAP. Try again later, or ask the administrator of the server.',
    'caller',
    'retry',
  ),
  IMAP_ANSWER_TOO_LARGE: row(
    'The server sent a response larger than the limit. Try again later, or ask the administrator of the server.',
    'caller',
    'retry',
  ),
  TOO_MANY_CONNECTION_TESTS: row('Too many connection tests are running. Try again in a moment.', 'caller', 'none'),
  CREDENTIALS_UNREADABLE: row(
    'The stored password cannot be decrypted with the current ENCRYPTION_KEY. Enter the password again.',
    'caller',
    'needs-auth',
  ),

  OAUTH_GRANT_ENDED: row(
    'The provider has ended this sign-in: it was revoked, it expired, or the password changed. Sign in again.',
    'caller',
    'needs-auth',
  ),
  OAUTH_INTERACTION_REQUIRED: row(
    'The provider asks you to confirm the sign-in, for example with a second factor. Sign in again.',
    'caller',
    'needs-auth',
  ),
  OAUTH_ADMIN_REQUIRED: row(
    'The rules of your organization do not allow this sign-in. Ask its administrator to approve Mailtide, then sign in again.',
    'caller',
    'needs-auth',
  ),
  OAUTH_LOGIN_REFUSED: row(
    'The mail server rejected a new access token of the provider. Check that IMAP is enabled for the mailbox, then sign in again.',
    'caller',
    'needs-auth',
  ),
  OAUTH_PROVIDER_MISCONFIGURED: row(
    'The provider rejects the registration of this installation. Its operator must correct it; accounts then resume automatically.',
    'caller',
    'retry',
  ),
  OAUTH_UNAVAILABLE: row('The provider does not renew sign-ins at the moment. Try again later.', 'caller', 'retry'),
  OAUTH_ANSWER_INVALID: row(
    'The answer of the provider does not fit the sign-in. Start the sign-in again.',
    'caller',
    'retry',
  ),
  OAUTH_CONSENT_REFUSED: row('Access to the mailbox was refused. Sign in again and allow it.', 'caller', 'needs-auth'),
  OAUTH_SCOPE_MISSING: row(
    'Access to the mailbox was not allowed. Sign in again and tick the box for reading mail.',
    'caller',
    'none',
  ),
  OAUTH_WRONG_ACCOUNT: row('You signed in with another account. Sign in with the right one.', 'caller', 'none'),
  OAUTH_NO_REFRESH_TOKEN: row(
    "The provider returned no refresh token, so the access would end within the hour. Remove Mailtide from the apps in the provider's security settings, then sign in again.",
    'caller',
    'none',
  ),
  OAUTH_SIGN_IN_EXPIRED: row('This sign-in has expired. Start again where you began.', 'caller', 'none'),
  OAUTH_OTHER_BROWSER: row(
    'This sign-in was begun in another browser, or is finished already. Open the link again in this one.',
    'caller',
    'none',
  ),

  SYNC_TIME_LIMIT: row(
    'The sync hit its time limit (SYNC_TIME_LIMIT_MINUTES) without making progress. If it happens again, raise the limit.',
    'caller',
    'retry',
  ),
  SYNC_WORKER_LOST: row(
    "The worker crashed repeatedly without making progress. Check its log and the host's memory.",
    'caller',
    'fail',
  ),
  DATABASE_FULL: row(
    'The disk of the database is full, so nothing new can be stored. Free some space; the sync then resumes.',
    'caller',
    'retry',
  ),
  LEASE_LOST: row('Another worker has taken over this run.', 'operator', 'none'),
  RUN_CANCELLED: row('The run was cancelled.', 'caller', 'none'),
  INTERNAL: row(
    'An internal error occurred and has been logged. Try again later, or ask the operator of this installation.',
    'operator',
    'retry',
  ),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

interface ErrorRow {
  readonly sentence: string;
  readonly audience: 'caller' | 'operator';
  readonly run: 'retry' | 'needs-auth' | 'fail' | 'none';
}

function row(sentence: string, audience: ErrorRow['audience'], run: ErrorRow['run']): ErrorRow {
  return { sentence, audience, run };
}

/** An error with a code of the table. `message` is the table's sentence unless the thrower passes a better one. */
export class MailtideError extends Error {
  readonly code: ErrorCode;
  /** How long the server asks to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** The existing account that caused the error. The caller may see it. */
  readonly accountId: string | undefined;

  constructor(
    code: ErrorCode,
    options: {
      message?: string;
      cause?: unknown;
      retryAfterMs?: number | undefined;
      accountId?: string | undefined;
    } = {},
  ) {
    super(options.message ?? ERRORS[code].sentence, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = 'MailtideError';
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
    this.accountId = options.accountId;
  }
}

/** Turns any error into one of the table, INTERNAL if nothing else fits. Keeps the cause for the log. */
export function toMailtideError(error: unknown): MailtideError {
  if (error instanceof MailtideError) return error;
  return new MailtideError(isDiskFull(error) ? 'DATABASE_FULL' : 'INTERNAL', { cause: error });
}

/** PostgreSQL's SQLSTATE disk_full. */
export const DISK_FULL = '53100';

/** True if PostgreSQL rejected a statement because its disk is full. Prisma nests that error deep in its own. */
function isDiskFull(error: unknown): boolean {
  let at: unknown = error;
  for (let depth = 0; depth < 5 && typeof at === 'object' && at !== null; depth += 1) {
    const { code, originalCode, cause, meta } = at as PostgresError;
    if (code === DISK_FULL || originalCode === DISK_FULL) return true;
    at = meta?.driverAdapterError ?? cause;
  }
  return false;
}

interface PostgresError {
  readonly code?: unknown;
  readonly originalCode?: unknown;
  readonly cause?: unknown;
  readonly meta?: { readonly driverAdapterError?: unknown };
}
