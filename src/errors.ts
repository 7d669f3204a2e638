/**
 * The one table of error codes. A code never changes its meaning; a retired one stays listed as retired.
 *
 * - `sentence`: what a person can act on; nothing secret, nothing of the server's own words.
 * - `audience`: `caller` errors are shown as they are; `operator` errors are logged with their cause and masked.
 * - `run`: what a sync run does with it: `retry` (it may go away by itself), `needs-auth` (stop logging in until the
 *   credentials change), `fail` (somebody must act), `none` (not an error of a run).
 */
export const ERRORS = {
  UNAUTHENTICATED: row('Sign in first: send an API key as "Authorization: Bearer <key>".', 'caller', 'none'),
  FORBIDDEN: row('This key may not do that.', 'caller', 'none'),
  NOT_FOUND: row('There is no such thing, or it is not yours.', 'caller', 'none'),
  BAD_USER_INPUT: row('The input is not valid.', 'caller', 'none'),
  TOO_MANY_REQUESTS: row('Too many failed attempts from your address. Try again in a moment.', 'caller', 'none'),
  HOST_NAME_UNKNOWN: row(
    'This service does not answer to this host name. Its operator sets PUBLIC_URL to the address that people use.',
    'caller',
    'none',
  ),
  QUERY_TOO_COMPLEX: row('The query is too long, too deep or too wide: ask for less at once.', 'caller', 'none'),
  ANSWER_TOO_LARGE: row('The answer would be too large: ask for fewer items, or for less of each.', 'caller', 'none'),
  REQUEST_TIME_LIMIT: row('The request takes too long: ask for less at once.', 'caller', 'none'),
  ACCOUNT_EXISTS: row('This email address is connected already.', 'caller', 'none'),
  ACCOUNT_PAUSED: row('This account is paused: set isActive to true to sync it.', 'caller', 'none'),
  ACCOUNT_NEEDS_AUTH: row(
    'The server refused the credentials of this account, and no login is tried before they change: update the account with new ones.',
    'caller',
    'none',
  ),

  HOST_NOT_ALLOWED: row(
    'This host is on a private network or this very machine, which this installation does not allow (IMAP_ALLOW_PRIVATE_HOSTS).',
    'caller',
    'fail',
  ),
  IMAP_CLEARTEXT_NOT_ALLOWED: row(
    'A connection without encryption (NONE) is only allowed to loopback and private hosts: use TLS or STARTTLS.',
    'caller',
    'fail',
  ),
  IMAP_HOST_NOT_FOUND: row('No server has this name: check the spelling of the host.', 'caller', 'fail'),
  IMAP_NAME_LOOKUP_FAILED: row(
    'The name of the server could not be looked up at the moment: try again later.',
    'caller',
    'retry',
  ),
  IMAP_NO_ROUTE: row(
    'There is no way from here to this host: check the host, and the network of this installation.',
    'caller',
    'retry',
  ),
  IMAP_UNREACHABLE: row('The server does not accept connections on this port: check host and port.', 'caller', 'retry'),
  IMAP_TIMEOUT: row('The server did not answer in time: check host and port, or try again later.', 'caller', 'retry'),
  IMAP_NO_GREETING: row(
    'The server accepts the connection and then says nothing: check port and security setting (993 with TLS, 143 with STARTTLS).',
    'caller',
    'retry',
  ),
  IMAP_TURNED_AWAY: row(
    'The server turned the connection away: it may be overloaded, or there are too many connections already.',
    'caller',
    'retry',
  ),
  IMAP_NOT_IMAP: row(
    'Something answers on this port, but it does not speak IMAP: check the port (993 for TLS, 143 for STARTTLS) and the security setting.',
    'caller',
    'fail',
  ),
  IMAP_TLS_FAILED: row(
    'The TLS handshake failed: check that the port is a TLS port (usually 993), or use STARTTLS (usually 143).',
    'caller',
    'fail',
  ),
  IMAP_CERTIFICATE_EXPIRED: row(
    "The server's certificate has expired: its administrator must renew it.",
    'caller',
    'fail',
  ),
  IMAP_CERTIFICATE_NOT_YET_VALID: row(
    "The server's certificate is not valid yet: check the clock of this machine.",
    'caller',
    'fail',
  ),
  IMAP_CERTIFICATE_UNTRUSTED: row(
    "The server's certificate is not signed by an authority that this machine trusts.",
    'caller',
    'fail',
  ),
  IMAP_CERTIFICATE_WRONG_HOST: row(
    "The server's certificate is for another host name: use the name that the provider documents.",
    'caller',
    'fail',
  ),
  IMAP_STARTTLS_UNAVAILABLE: row(
    'The server does not offer STARTTLS here, and the password is never sent in clear text: use TLS (usually port 993).',
    'caller',
    'fail',
  ),
  IMAP_AUTH_FAILED: row(
    'The server refused the username or the password. Some providers want an app password instead of the usual one.',
    'caller',
    'needs-auth',
  ),
  IMAP_AUTH_UNAVAILABLE: row(
    'The server cannot log this account in at the moment: it may be busy, or have too many connections. Try again later.',
    'caller',
    'retry',
  ),
  IMAP_LOGIN_DISABLED: row(
    'The server allows no login over a connection like this one: use TLS or STARTTLS.',
    'caller',
    'fail',
  ),
  IMAP_CONTACT_ADMIN: row(
    "The server does not let this account in: ask the provider's support or the administrator.",
    'caller',
    'fail',
  ),
  IMAP_AUTH_UNSUPPORTED: row(
    'The server offers no way to log in with these credentials over this connection.',
    'caller',
    'fail',
  ),
  IMAP_CONNECTION_LOST: row('The connection to the server was lost.', 'caller', 'retry'),
  IMAP_THROTTLED: row('The provider asks for a pause. The sync resumes afterwards.', 'caller', 'retry'),
  IMAP_QUOTA_EXCEEDED: row(
    "The provider's limit for this account is used up. Syncing resumes when the provider lifts it.",
    'caller',
    'retry',
  ),
  IMAP_SERVER_REFUSED: row(
    'The server refused a command that every IMAP server has: it may have a problem at the moment.',
    'caller',
    'retry',
  ),
  IMAP_INVALID_ANSWER: row('The server answered something that is not valid IMAP.', 'caller', 'retry'),
  IMAP_ANSWER_TOO_LARGE: row('The server sent more than the answer to a command may have.', 'caller', 'retry'),
  TOO_MANY_CONNECTION_TESTS: row(
    'Too many connections are being tested at the moment: try again when some are done.',
    'caller',
    'none',
  ),
  CREDENTIALS_UNREADABLE: row(
    'The stored password cannot be decrypted with the present ENCRYPTION_KEY: enter it again.',
    'caller',
    'needs-auth',
  ),

  SYNC_TIME_LIMIT: row(
    'An attempt took all the time that it may (SYNC_TIME_LIMIT_MINUTES) and got nowhere.',
    'caller',
    'retry',
  ),
  SYNC_WORKER_LOST: row(
    'The process that synced this account died again and again, and got nowhere: its log and the memory of the machine may tell why.',
    'caller',
    'fail',
  ),
  DATABASE_FULL: row(
    'The database has no space left on its disk: nothing new can be stored until there is some.',
    'caller',
    'retry',
  ),
  LEASE_LOST: row('Another worker has taken over this run.', 'operator', 'none'),
  RUN_CANCELLED: row('The run was cancelled.', 'caller', 'none'),
  INTERNAL: row('Something went wrong on our side. It has been logged.', 'operator', 'retry'),
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

/** An error with a code of the table. `message` is the table's sentence unless a better one is known. */
export class MailtideError extends Error {
  readonly code: ErrorCode;
  /** How long the other side asks us to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** Of the account that is in the way, which the caller can see. */
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

/** Unknown in, known out: for the edges that have no translation of their own. The cause is kept for the log. */
export function toMailtideError(error: unknown): MailtideError {
  if (error instanceof MailtideError) return error;
  return new MailtideError(isDiskFull(error) ? 'DATABASE_FULL' : 'INTERNAL', { cause: error });
}

/** PostgreSQL's SQLSTATE disk_full. */
export const DISK_FULL = '53100';

/** Whether PostgreSQL has refused a statement because its disk is full. Prisma has the error deep in its own. */
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
