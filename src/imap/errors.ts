import type { ImapFlowError } from 'imapflow';
import { type ErrorCode, MailtideError } from '../errors.ts';
import { suggestedPauseMs } from './suggested-pause.ts';

/** The stage at which a connection failed. The same error means different things at different stages. */
export type ImapStage = 'connect' | 'tls' | 'greeting' | 'login' | 'command';

/** A failure as imapflow and Node report it. No caller sees it. */
type Failure = ImapFlowError & { readonly syscall?: string | undefined };

/** Codes of Node's net, dns and tls, and of imapflow, that mean the same at every stage. */
const BY_CODE: Readonly<Record<string, ErrorCode>> = {
  ENOTFOUND: 'IMAP_HOST_NOT_FOUND',
  EAI_AGAIN: 'IMAP_NAME_LOOKUP_FAILED',
  ECONNREFUSED: 'IMAP_UNREACHABLE',
  EADDRNOTAVAIL: 'IMAP_UNREACHABLE',
  EACCES: 'IMAP_UNREACHABLE',
  EHOSTUNREACH: 'IMAP_NO_ROUTE',
  EHOSTDOWN: 'IMAP_NO_ROUTE',
  ENETUNREACH: 'IMAP_NO_ROUTE',
  ENETDOWN: 'IMAP_NO_ROUTE',
  ETIMEDOUT: 'IMAP_TIMEOUT',
  ETIMEOUT: 'IMAP_TIMEOUT',
  CONNECT_TIMEOUT: 'IMAP_TIMEOUT',
  UPGRADE_TIMEOUT: 'IMAP_TIMEOUT',
  GREETING_TIMEOUT: 'IMAP_NO_GREETING',

  CERT_HAS_EXPIRED: 'IMAP_CERTIFICATE_EXPIRED',
  CERT_NOT_YET_VALID: 'IMAP_CERTIFICATE_NOT_YET_VALID',
  ERR_TLS_CERT_ALTNAME_INVALID: 'IMAP_CERTIFICATE_WRONG_HOST',
  HOSTNAME_MISMATCH: 'IMAP_CERTIFICATE_WRONG_HOST',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'IMAP_CERTIFICATE_UNTRUSTED',
  SELF_SIGNED_CERT_IN_CHAIN: 'IMAP_CERTIFICATE_UNTRUSTED',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'IMAP_CERTIFICATE_UNTRUSTED',
  UNABLE_TO_GET_ISSUER_CERT: 'IMAP_CERTIFICATE_UNTRUSTED',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'IMAP_CERTIFICATE_UNTRUSTED',
  CERT_SIGNATURE_FAILURE: 'IMAP_CERTIFICATE_UNTRUSTED',
  CERT_CHAIN_TOO_LONG: 'IMAP_CERTIFICATE_UNTRUSTED',
  CERT_UNTRUSTED: 'IMAP_CERTIFICATE_UNTRUSTED',
  CERT_REJECTED: 'IMAP_CERTIFICATE_UNTRUSTED',
  CERT_REVOKED: 'IMAP_CERTIFICATE_UNTRUSTED',
  INVALID_CA: 'IMAP_CERTIFICATE_UNTRUSTED',
  INVALID_PURPOSE: 'IMAP_CERTIFICATE_UNTRUSTED',
  EPROTO: 'IMAP_TLS_FAILED',
  STARTTLS_INJECTION: 'IMAP_TLS_FAILED',

  ETHROTTLE: 'IMAP_THROTTLED',
  NoMailboxSelected: 'IMAP_SERVER_REFUSED',
  UnexpectedTag: 'IMAP_INVALID_ANSWER',
  InvalidResponse: 'IMAP_INVALID_ANSWER',
  ResponseProcessingFailed: 'IMAP_INVALID_ANSWER',
  MAX_IMAP_NESTING_REACHED: 'IMAP_INVALID_ANSWER',
  LineTooLarge: 'IMAP_ANSWER_TOO_LARGE',
  LiteralTooLarge: 'IMAP_ANSWER_TOO_LARGE',
  ResponseTooLarge: 'IMAP_ANSWER_TOO_LARGE',
  TooManyTokens: 'IMAP_ANSWER_TOO_LARGE',
  TooManyResponses: 'IMAP_ANSWER_TOO_LARGE',
  Z_DATA_ERROR: 'IMAP_INVALID_ANSWER',
};

const CLOSED = new Set([
  'NoConnection',
  'EConnectionClosed',
  'StateLogout',
  'ClosedAfterConnectText',
  'ClosedAfterConnectTLS',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
]);

/** Response codes (RFC 5530, RFC 9051 7.1) that state why a login was refused. Others do not concern the password. */
const LOGIN_REFUSALS: Readonly<Record<string, ErrorCode>> = {
  AUTHENTICATIONFAILED: 'IMAP_AUTH_FAILED',
  AUTHORIZATIONFAILED: 'IMAP_AUTH_FAILED',
  EXPIRED: 'IMAP_AUTH_FAILED',
  PRIVACYREQUIRED: 'IMAP_LOGIN_DISABLED',
  CONTACTADMIN: 'IMAP_CONTACT_ADMIN',
  UNAVAILABLE: 'IMAP_AUTH_UNAVAILABLE',
  INUSE: 'IMAP_AUTH_UNAVAILABLE',
  LIMIT: 'IMAP_AUTH_UNAVAILABLE',
  // Gmail's daily bandwidth limit: it refuses logins above it.
  OVERQUOTA: 'IMAP_QUOTA_EXCEEDED',
  THROTTLED: 'IMAP_THROTTLED',
  SERVERBUG: 'IMAP_AUTH_UNAVAILABLE',
};

const COMMAND_REFUSALS: Readonly<Record<string, ErrorCode>> = {
  AUTHENTICATIONFAILED: 'IMAP_AUTH_FAILED',
  EXPIRED: 'IMAP_AUTH_FAILED',
  THROTTLED: 'IMAP_THROTTLED',
  LIMIT: 'IMAP_THROTTLED',
  // In answer to a command that stores nothing, this is Gmail's daily bandwidth limit.
  OVERQUOTA: 'IMAP_QUOTA_EXCEEDED',
};

/** Text of login refusals without a code that do not concern the password: Gmail's [ALERT], Exchange, older servers. */
const TRANSIENT = /temporar|too many|try again|later|unavailable/i;

/** Exchange, at the command after a login: the credentials are good, but there is no way to the mailbox. */
const NOT_CONNECTED = /authenticated but not connected/i;

/** Microsoft sends text only, no code. */
const THROTTLED = /throttled|backoff time/i;

/**
 * Converts any error to one of the error table, and keeps the cause for the log. A `NO` to a login means wrong
 * credentials only if it has such a code, or no code: busy servers answer NO too (imapflow marks every NO and BAD as
 * `authenticationFailed`).
 */
export function toImapError(error: unknown, stage: ImapStage): MailtideError {
  if (error instanceof MailtideError) return error;
  const failure: Failure = error instanceof Error ? error : new Error('not an error');
  const code = codeOf(failure, stage);
  const retryAfterMs =
    code === 'IMAP_THROTTLED' || code === 'IMAP_QUOTA_EXCEEDED'
      ? suggestedPauseMs(failure.responseText ?? '')
      : undefined;
  const message = code === 'IMAP_AUTH_FAILED' ? refusalInWords(failure) : undefined;
  return new MailtideError(code, { cause: error, retryAfterMs, ...(message && { message }) });
}

/** Returns what the user has to do, unless it is to correct the password. */
function refusalInWords(failure: Failure): string | undefined {
  if (responseCode(failure) === 'EXPIRED') {
    return 'The password has expired. Change it at the provider, then enter the new one here.';
  }
  // Gmail's [WEBALERT] and [ALERT], after a login from an unknown network.
  if (/web ?browser/i.test(failure.responseText ?? '')) {
    return 'The provider requires a login in a web browser first. Log in there, then enter the password here again.';
  }
  return undefined;
}

function codeOf(failure: Failure, stage: ImapStage): ErrorCode {
  const { code = '', reason, syscall } = failure;
  if (code === 'ETHROTTLE') return 'IMAP_THROTTLED';
  if (failure.responseStatus || failure.authenticationFailed) {
    if (NOT_CONNECTED.test(failure.responseText ?? '')) return 'MAILBOX_NOT_ACCESSIBLE';
    return stage === 'login' ? refusedLogin(failure) : refusedCommand(failure);
  }
  const known = BY_CODE[code];
  if (known) return known;
  if (code.startsWith('ParserError')) return 'IMAP_INVALID_ANSWER';
  if (code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS')) return 'IMAP_TLS_FAILED';
  // imapflow has no code for a server that lacks STARTTLS, refuses it, or greets with PREAUTH.
  if (failure.tlsFailed && !code) return 'IMAP_STARTTLS_UNAVAILABLE';
  if (failure.message === 'Unsupported authentication mechanism') return 'IMAP_AUTH_UNSUPPORTED';
  // imapflow threw an error without a code because of the server's answer.
  if (!CLOSED.has(code)) return 'IMAP_INVALID_ANSWER';
  if (stage === 'tls') return 'IMAP_TLS_FAILED';
  if (stage === 'connect' && syscall === 'connect') return 'IMAP_UNREACHABLE';
  return reason && stage !== 'command' ? 'IMAP_TURNED_AWAY' : 'IMAP_CONNECTION_LOST';
}

/**
 * BYE of a session whose time is over. Exchange: "Session invalidated - AccessTokenExpired". Gmail: "Session expired,
 * please login again".
 */
const SESSION_END = /session (?:expired|invalidated)|token ?expired/i;

/** Returns whether the server ended the session because its time was over, and another one may begin at once. */
export function isSessionEnd(error: unknown): boolean {
  if (!(error instanceof MailtideError) || error.code !== 'IMAP_CONNECTION_LOST') return false;
  return SESSION_END.test((error.cause as Failure | undefined)?.reason ?? '');
}

function refusedLogin(failure: Failure): ErrorCode {
  const known = LOGIN_REFUSALS[responseCode(failure)];
  if (known) return known;
  if (THROTTLED.test(failure.responseText ?? '')) return 'IMAP_THROTTLED';
  if (failure.message === 'Login is disabled') return 'IMAP_LOGIN_DISABLED';
  if (failure.message === 'No matching authentication method') return 'IMAP_AUTH_UNSUPPORTED';
  if (TRANSIENT.test(failure.responseText ?? '')) return 'IMAP_AUTH_UNAVAILABLE';
  if (failure.responseStatus === 'BAD') return 'IMAP_AUTH_UNSUPPORTED';
  if (failure.responseStatus === 'NO') return 'IMAP_AUTH_FAILED';
  // imapflow's error for a NAMESPACE that was answered with these words.
  if (failure.message === 'Authentication failed') return 'MAILBOX_NOT_ACCESSIBLE';
  return 'IMAP_AUTH_UNAVAILABLE';
}

function refusedCommand(failure: Failure): ErrorCode {
  const known = COMMAND_REFUSALS[responseCode(failure)];
  if (known) return known;
  return THROTTLED.test(failure.responseText ?? '') ? 'IMAP_THROTTLED' : 'IMAP_SERVER_REFUSED';
}

/** Returns CODE of `NO [CODE] text`, or ''. imapflow extracts it from the answer to some commands, but not FETCH. */
export function responseCode({ serverResponseCode, response }: ImapFlowError): string {
  if (serverResponseCode) return serverResponseCode.toUpperCase();
  if (!response || typeof response === 'string') return '';
  const first: unknown = response.attributes?.[0];
  const value = (first as { section?: { value?: unknown }[] } | undefined)?.section?.[0]?.value;
  return typeof value === 'string' ? value.toUpperCase() : '';
}
