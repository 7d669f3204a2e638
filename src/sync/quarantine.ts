import type { GapReason } from '../domain/receipt.ts';
import { MailtideError } from '../errors.ts';
import type { SyncContext } from './context.ts';
import { type MailboxEvidence, MailboxQuarantined } from './mailbox-evidence.ts';

/**
 * Returns the evidence of a mailbox after an error of its own: a refusal with its reason.
 * @throws the error if it is not the mailbox's own, but of the connection, the account or Mailtide
 */
export function withoutEvidence(
  { log }: Pick<SyncContext, 'log'>,
  evidence: MailboxEvidence,
  error: unknown,
): MailboxEvidence {
  const refusal = reasonOf(error);
  if (!refusal) throw error;
  log.warn({ err: error, mailbox: evidence.path, refusal }, 'mailbox quarantined');
  return { ...evidence, server: null, flagsProven: false, compared: false, refusal, at: new Date() };
}

function reasonOf(error: unknown): GapReason | null {
  if (error instanceof MailboxQuarantined) return error.reason;
  if (!(error instanceof MailtideError) || error.code !== 'IMAP_SERVER_REFUSED') return null;
  const { mailboxMissing, serverResponseCode } = (error.cause ?? {}) as {
    mailboxMissing?: boolean;
    serverResponseCode?: string;
  };
  return mailboxMissing || serverResponseCode === 'NONEXISTENT' ? 'MAILBOX_GONE' : 'MAILBOX_REFUSED';
}

/** Returns the error with which a run fails if no mailbox is left to sync. */
export function asOwnError(error: unknown): MailtideError {
  const cause = error instanceof MailboxQuarantined ? error.cause : error;
  return cause instanceof MailtideError ? cause : new MailtideError('IMAP_INVALID_ANSWER', { cause: error });
}
