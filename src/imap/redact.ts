import type { ImapFlowError } from 'imapflow';
import type { ImapLogin } from './connection.ts';
import { responseCode } from './errors.ts';
import { spellingsOf } from './secret-spellings.ts';

/** Takes secrets out of a text: servers may repeat what they were sent, as it was sent or in another spelling. */
export type Redact = (text: string) => string;

const HIDDEN = '***';

export function redactorFor({ credentials }: ImapLogin): Redact {
  const secret = 'password' in credentials ? credentials.password : credentials.accessToken;
  if (secret === '') return (text) => text;
  // Made when the first text comes: most connections log nothing.
  let compiled: RegExp | undefined;
  const pattern = (): RegExp =>
    (compiled ??= new RegExp(
      spellingsOf(secret)
        .map((text) => RegExp.escape(text))
        .join('|'),
      'gi',
    ));
  // SASL sends it within base64 (RFC 4616, RFC 7628).
  const withoutEncoded = (token: string): string => {
    const bytes = Buffer.from(token, 'base64');
    const texts = [bytes.toString(), bytes.toString('latin1'), bytes.toString('utf16le')];
    return texts.some((text) => text.search(pattern()) >= 0) ? HIDDEN : token;
  };
  return (text) => text.replace(pattern(), HIDDEN).replace(/[A-Za-z0-9+/_-]{4,}={0,2}/g, withoutEncoded);
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

/** The same of an error from a login, without what the server said: with no word of its own, its kind is left. */
export function withoutWords(error: unknown): Error {
  const copy: ImapFlowError = redactedError(error, () => '');
  return Object.assign(new Error('the login failed'), {
    code: copy.code,
    command: copy.command,
    authenticationFailed: copy.authenticationFailed,
    responseStatus: copy.responseStatus,
  });
}
