import type { ImapFlowError } from 'imapflow';
import type { ImapLogin } from './connection.ts';
import { responseCode } from './errors.ts';

/** Takes secrets out of a text: servers may repeat what they were told. */
export type Redact = (text: string) => string;

export function redactorFor({ credentials }: ImapLogin): Redact {
  const secret = 'password' in credentials ? credentials.password : credentials.accessToken;
  if (secret === '') return (text) => text;
  // SASL sends it within base64 (RFC 4616, RFC 7628).
  const withoutEncoded = (token: string) => (Buffer.from(token, 'base64').toString().includes(secret) ? '***' : token);
  return (text) => text.replaceAll(secret, '***').replace(/[A-Za-z0-9+/]{4,}={0,2}/g, withoutEncoded);
}

/**
 * A copy of an error with what a log may know of it: imapflow's own carries the whole parsed answer, and in `cause`
 * everything of it would be written down.
 */
export function redactedError(error: unknown, redact: Redact): Error {
  const original: ImapFlowError = error instanceof Error ? error : new Error(String(error));
  const copy = new Error(redact(original.message));
  copy.stack = redact(original.stack ?? '');
  return Object.assign(copy, {
    name: original.name,
    code: original.code,
    syscall: (original as NodeJS.ErrnoException).syscall,
    command: original.command,
    tlsFailed: original.tlsFailed,
    authenticationFailed: original.authenticationFailed,
    mailboxMissing: original.mailboxMissing,
    responseStatus: original.responseStatus,
    serverResponseCode: responseCode(original),
    responseText: original.responseText && redact(original.responseText),
    reason: original.reason && redact(original.reason),
  });
}
