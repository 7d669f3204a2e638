import type { MailboxSnapshot } from '../domain/imap-types.ts';
import { type GapReason, uidSetDigest } from '../domain/receipt.ts';
import type { MailboxRef } from '../store/mail/locations.ts';
import type { StoredMailbox } from '../store/mail/mailboxes.ts';

/** The server's set of messages in a mailbox, in the form that a proof needs (`Proof` of src/domain/receipt.ts). */
export type ServerSet =
  | { readonly proof: 'STATUS'; readonly messages: number }
  | { readonly proof: 'COUNT'; readonly messages: number; readonly uidNext: number }
  | { readonly proof: 'UID_SET'; readonly messages: number; readonly digest: string };

/** What this attempt learned of a mailbox. At its end, src/sync/take-receipt.ts compares it with what is stored. */
export interface MailboxEvidence {
  readonly id: string;
  readonly path: string;
  readonly generation: number;
  readonly uidValidity: bigint | null;
  readonly server: ServerSet | null;
  readonly flagsProven: boolean;
  /** Every UID and every flag was compared. */
  readonly compared: boolean;
  readonly repairs: number;
  /** Why the mailbox was not read. */
  readonly refusal: GapReason | null;
  /** Why nothing is proven although the mailbox was read. */
  readonly doubt: GapReason | null;
  readonly at: Date;
  /** UIDs that the server listed, and that were deleted before their bytes were fetched. */
  readonly expunged: Set<number>;
}

/** Thrown if a mailbox cannot be synced now for a reason of its own. The other mailboxes are still synced. */
export class MailboxQuarantined extends Error {
  readonly reason: GapReason;

  constructor(reason: GapReason, options?: ErrorOptions) {
    super(reason, options);
    this.name = 'MailboxQuarantined';
    this.reason = reason;
  }
}

/** Returns the set to prove from all the UIDs that the server listed. */
export const wholeSet = (ref: MailboxRef, uids: readonly number[]): ServerSet => ({
  proof: 'UID_SET',
  messages: uids.length,
  digest: uidSetDigest(ref.uidValidity, uids),
});

/** Returns the set to prove from EXISTS, which counts the UIDs below UIDNEXT; null if the server omits either. */
export const countedSet = ({ exists, uidNext }: Pick<MailboxSnapshot, 'exists' | 'uidNext'>): ServerSet | null =>
  uidNext === null || exists === null ? null : { proof: 'COUNT', messages: exists, uidNext };

/** Returns the evidence of a mailbox that STATUS proves unchanged. */
export const unchangedEvidence = (mailbox: StoredMailbox, at: Date): MailboxEvidence => ({
  id: mailbox.id,
  path: mailbox.path,
  generation: mailbox.generation,
  uidValidity: mailbox.uidValidity,
  server: { proof: 'STATUS', messages: mailbox.messageCount },
  flagsProven: true,
  compared: false,
  repairs: 0,
  refusal: null,
  doubt: null,
  at,
  expunged: new Set(),
});
