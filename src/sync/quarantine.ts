import type { GapReason } from '../domain/receipt.ts';
import { MailtideError } from '../errors.ts';
import type { SyncContext } from './context.ts';
import { type Claim, MailboxSetAside } from './mailbox-evidence.ts';

/**
 * What is claimed of a mailbox after `error`: nothing, for a reason that is the mailbox's own.
 * @throws the error when it is the connection's, the account's or ours.
 */
export function setAside({ log }: Pick<SyncContext, 'log'>, claim: Claim, error: unknown): Claim {
  const refusal = reasonOf(error);
  if (!refusal) throw error;
  log.warn({ err: error, mailbox: claim.path, refusal }, 'a mailbox is set aside');
  return { ...claim, server: null, flagsProven: false, compared: false, refusal, at: new Date() };
}

function reasonOf(error: unknown): GapReason | null {
  if (error instanceof MailboxSetAside) return error.reason;
  if (!(error instanceof MailtideError) || error.code !== 'IMAP_SERVER_REFUSED') return null;
  const { mailboxMissing, serverResponseCode } = (error.cause ?? {}) as {
    mailboxMissing?: boolean;
    serverResponseCode?: string;
  };
  return mailboxMissing || serverResponseCode === 'NONEXISTENT' ? 'MAILBOX_GONE' : 'MAILBOX_REFUSED';
}

/** As a run fails with it, when no mailbox is left to go on with. */
export function asOwnError(error: unknown): MailtideError {
  const cause = error instanceof MailboxSetAside ? error.cause : error;
  return cause instanceof MailtideError ? cause : new MailtideError('IMAP_INVALID_ANSWER', { cause: error });
}
