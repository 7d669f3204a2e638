import type { MailboxSnapshot } from '../domain/imap-types.ts';
import { type GapReason, uidSetDigest } from '../domain/receipt.ts';
import type { MailboxRef } from '../store/mail/locations.ts';
import type { StoredMailbox } from '../store/mail/mailboxes.ts';

/** What the server said of the messages in a mailbox, as far as a proof can stand on it (`Proof` of src/domain/receipt.ts). */
export type ServerSet =
  | { readonly proof: 'STATUS'; readonly messages: number }
  | { readonly proof: 'COUNT'; readonly messages: number; readonly uidNext: number }
  | { readonly proof: 'UID_SET'; readonly messages: number; readonly digest: string };

/** What this attempt may claim of a mailbox; src/sync/take-receipt.ts holds it against what is stored in the end. */
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
  /** Why there is nothing to claim, and nothing was read. */
  readonly refusal: GapReason | null;
  /** Why nothing is proven, although what the server showed was read. */
  readonly doubt: GapReason | null;
  readonly at: Date;
  /** UIDs that the server had then, and that were gone before their bytes were fetched. */
  readonly expunged: Set<number>;
}

/** That a mailbox cannot be brought up to date now, for a reason that is its own: the others are. */
export class MailboxQuarantined extends Error {
  readonly reason: GapReason;

  constructor(reason: GapReason, options?: ErrorOptions) {
    super(reason, options);
    this.name = 'MailboxQuarantined';
    this.reason = reason;
  }
}

/** All the UIDs that the server listed, as the set to prove. */
export const wholeSet = (ref: MailboxRef, uids: readonly number[]): ServerSet => ({
  proof: 'UID_SET',
  messages: uids.length,
  digest: uidSetDigest(ref.uidValidity, uids),
});

/** The count of EXISTS, which is of the UIDs below UIDNEXT; null where the server does not say both. */
export const countedSet = ({ exists, uidNext }: Pick<MailboxSnapshot, 'exists' | 'uidNext'>): ServerSet | null =>
  uidNext === null || exists === null ? null : { proof: 'COUNT', messages: exists, uidNext };

/** Of a mailbox that STATUS proves unchanged. */
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
