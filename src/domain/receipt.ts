import { hash } from 'node:crypto';
import { packUids } from './uid-set.ts';

/**
 * What a run proved, in the end, from what the server said during it. Silence proves nothing: a mailbox whose server
 * did not say enough is not complete, and so is the receipt.
 */
export interface SyncReceipt {
  /** Every mailbox is, and the server's list of them could be read. */
  readonly complete: boolean;
  readonly mailboxes: readonly MailboxReceipt[];
  readonly unread: UnreadAnswers;
}

/** Answers of a server that could not be read: there may be mailboxes that nobody knows of. */
export interface UnreadAnswers {
  readonly count: number;
  /** The beginnings of the first few, without control characters. */
  readonly samples: readonly string[];
}

export const NOTHING_UNREAD: UnreadAnswers = { count: 0, samples: [] };

export interface MailboxReceipt {
  readonly mailboxId: string;
  /** Its path at that time. */
  readonly mailbox: string;
  /** Decimal; null when the server did not get as far as to say it. */
  readonly uidValidity: string | null;
  /** How many messages the server said it has; null when it did not say. */
  readonly serverMessages: number | null;
  /** How many of them are stored with all their bytes. */
  readonly storedMessages: number;
  /** {@link uidSetDigest} of what is on both sides; null when the two are not proven to be equal. */
  readonly uidSetDigest: string | null;
  readonly proof: Proof | null;
  /** Whether the flags of all messages are proven as well: not where a server without mod-sequences was not asked. */
  readonly flagsProven: boolean;
  /** Every UID and every flag was compared in this run. */
  readonly compared: boolean;
  /** The server's set of messages is ours, and each is stored whole. */
  readonly complete: boolean;
  /** At most {@link MAX_GAPS} of them. */
  readonly gaps: readonly Gap[];
  readonly gapCount: number;
  /** What a comparison of everything found wrong that no change on the server explains: faults, its or ours. */
  readonly repairs: number;
  /** When the server said it, ISO 8601. */
  readonly at: string;
}

/**
 * What makes the two sets equal.
 *
 * - STATUS   the server's UIDVALIDITY, UIDNEXT, count and HIGHESTMODSEQ are those of the last finished pass, and we hold
 *            as many messages: nothing came, went or changed since.
 * - COUNT    every UID from the last pass on was listed, what is gone was taken out, and the count of EXISTS is ours:
 *            the server's set is a part of ours, and as large.
 * - UID_SET  the server listed all its UIDs, as many as it says EXIST, and they are ours one by one.
 */
export type Proof = 'STATUS' | 'COUNT' | 'UID_SET';

export interface Gap {
  /** Null for what is wrong with the mailbox as a whole. */
  readonly uid: number | null;
  readonly reason: GapReason;
}

/** Why a message of the server, or a whole mailbox, is not stored. Only the first of them is no loss. */
export const GAP_REASONS = {
  EXPUNGED_MEANWHILE: 'It was deleted on the server before its bytes were fetched: it is gone on both sides.',
  NOT_SERVED: 'The server lists it and does not give its bytes.',
  NOT_STORABLE: 'The database does not take it.',
  TOO_LARGE: 'It is larger than MAX_MESSAGE_BYTES: only its header is stored.',
  NOT_FETCHED: 'Its bytes were not fetched in this run.',
  MAILBOX_REFUSED: 'The server does not let the mailbox be read.',
  MAILBOX_GONE: 'The server listed the mailbox, and then had it no more.',
  SERVER_CONTRADICTS_ITSELF: 'The UIDs that the server lists are not as many as it says there are.',
  NO_UIDVALIDITY: 'The server does not say for how long its UIDs are valid: what is stored is what it showed.',
  MAILBOX_BREAKS: 'The server ends the connection, or falls silent, over the mailbox. It is asked for again later.',
  NOT_EQUAL: 'What is stored is not what the server listed.',
} as const;
export type GapReason = keyof typeof GAP_REASONS;

/** A reason as the database holds it, of whatever version of ours. */
export const gapReason = (stored: string | null): GapReason =>
  stored !== null && Object.hasOwn(GAP_REASONS, stored) ? (stored as GapReason) : 'NOT_SERVED';

/** Gaps listed for one mailbox; the rest is counted. */
export const MAX_GAPS = 1000;

/**
 * SHA-256, in lower-case hex, of UIDVALIDITY, a line feed, and the UIDs as an IMAP sequence set, ascending, with every
 * run of two or more as a range ("1:5,7"); the empty set is the empty text. Anybody can compute it again from
 * `UID SEARCH ALL` (docs/correctness.md).
 */
export function uidSetDigest(uidValidity: bigint, uids: Iterable<number>): string {
  const [set = ''] = packUids(uids, Number.POSITIVE_INFINITY);
  return hash('sha256', `${uidValidity}\n${set}`);
}
