import type { ImapFlowError } from 'imapflow';
import type { ImapLogin } from './connection.ts';
import { responseCode } from './errors.ts';

/** Takes secrets out of a text: servers may repeat what they were told. */
export type Redact = (text: string) => string;

export function redactorFor(login: ImapLogin): Redact {
  const { credentials } = login;
  const secret = 'password' in credentials ? credentials.password : credentials.accessToken;
  const spellings = [secret, Buffer.from(secret).toString('base64')].filter(Boolean);
  return (text) => spellings.reduce((out, spelling) => out.replaceAll(spelling, '***'), text);
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
    responseStatus: original.responseStatus,
    serverResponseCode: responseCode(original),
    responseText: original.responseText && redact(original.responseText),
    reason: original.reason && redact(original.reason),
  });
}
