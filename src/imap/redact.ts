import type { ImapFlowError } from 'imapflow';
import type { ImapLogin } from './connection.ts';
import { responseCode } from './errors.ts';
import { spellingsOf } from './secret-spellings.ts';

/** Removes secrets from a text: servers may repeat what the client sent, unchanged or in another spelling. */
export type Redact = (text: string) => string;

const HIDDEN = '***';

export function redactorFor({ credentials }: ImapLogin): Redact {
  const secret = 'password' in credentials ? credentials.password : credentials.accessToken;
  if (secret === '') return (text) => text;
  // Compiled for the first text, because most connections log nothing.
  let compiled: RegExp | undefined;
  const pattern = (): RegExp =>
    (compiled ??= new RegExp(
      spellingsOf(secret)
        .map((text) => RegExp.escape(text))
        .join('|'),
      'gi',
    ));
  // SASL sends the secret within base64 (RFC 4616, RFC 7628).
  const withoutEncoded = (token: string): string => {
    const bytes = Buffer.from(token, 'base64');
    const texts = [bytes.toString(), bytes.toString('latin1'), bytes.toString('utf16le')];
    return texts.some((text) => text.search(pattern()) >= 0) ? HIDDEN : token;
  };
  return (text) => text.replace(pattern(), HIDDEN).replace(/[A-Za-z0-9+/_-]{4,}={0,2}/g, withoutEncoded);
}

/**
 * Returns a copy of an error with the fields that may be logged. imapflow's errors contain the whole parsed answer, and
 * as a `cause` all of it would be logged.
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

/** Returns a copy of an error from a login without any text of the server: only the kind of the error remains. */
export function withoutWords(error: unknown): Error {
  const copy: ImapFlowError = redactedError(error, () => '');
  return Object.assign(new Error('the login failed'), {
    code: copy.code,
    command: copy.command,
    authenticationFailed: copy.authenticationFailed,
    responseStatus: copy.responseStatus,
  });
}
