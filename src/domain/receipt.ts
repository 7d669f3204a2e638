import { hash } from 'node:crypto';
import { packUids } from './uid-set.ts';

/**
 * What a run proves at its end, from the server's answers during it. A missing answer proves nothing: if the server did
 * not report enough on a mailbox, neither the mailbox nor the receipt is complete (docs/decisions/0022-receipts.md).
 */
export interface SyncReceipt {
  /** Every mailbox is complete, and the whole LIST answer could be read. */
  readonly complete: boolean;
  readonly mailboxes: readonly MailboxReceipt[];
  readonly unread: UnreadAnswers;
}

/** Unreadable LIST answers of a server: they may hide mailboxes. */
export interface UnreadAnswers {
  readonly count: number;
  /** The beginnings of the first few, without control characters. */
  readonly samples: readonly string[];
}

export const NOTHING_UNREAD: UnreadAnswers = { count: 0, samples: [] };

export interface MailboxReceipt {
  readonly mailboxId: string;
  /** Its path during the run. */
  readonly mailbox: string;
  /** Decimal; null if the mailbox could not be opened. */
  readonly uidValidity: string | null;
  /** The number of messages that the server reported; null if it reported none. */
  readonly serverMessages: number | null;
  /** How many of them are stored with all their bytes. */
  readonly storedMessages: number;
  /** {@link uidSetDigest} of the set that both sides have; null if they are not proven equal. */
  readonly uidSetDigest: string | null;
  readonly proof: Proof | null;
  /** Whether the flags of all messages are proven too. Without mod-sequences this takes a comparison of all flags. */
  readonly flagsProven: boolean;
  /** Every UID and every flag was compared in this run. */
  readonly compared: boolean;
  /** The server's set of messages equals the stored one, and each message is stored whole. */
  readonly complete: boolean;
  /** At most {@link MAX_GAPS} of them. */
  readonly gaps: readonly Gap[];
  readonly gapCount: number;
  /**
   * Differences found by a full comparison that no change on the server explains: faults of the server or of Mailtide.
   */
  readonly repairs: number;
  /** When the server reported this, ISO 8601. */
  readonly at: string;
}

/**
 * Why the server's set of messages and the stored one are equal.
 *
 * - STATUS   UIDVALIDITY, UIDNEXT, count and HIGHESTMODSEQ are those of the last finished pass, and as many messages
 *   are
 *            stored: none was added, removed or changed since.
 * - COUNT    the server listed every UID since the last pass, deleted messages are removed, and EXISTS is the stored
 *            count: the server's set is a subset of the stored one, and as large.
 * - UID_SET  the server listed all its UIDs, as many as EXISTS, and they are the stored ones.
 */
export type Proof = 'STATUS' | 'COUNT' | 'UID_SET';

export interface Gap {
  /** Null if the gap is the mailbox as a whole. */
  readonly uid: number | null;
  readonly reason: GapReason;
}

/** Why a message of the server, or a whole mailbox, is not stored. All but the first are losses. */
export const GAP_REASONS = {
  EXPUNGED_MEANWHILE: 'It was deleted on the server before its bytes were fetched, so it is gone on both sides.',
  NOT_SERVED: 'The server lists it but does not deliver its bytes.',
  NOT_STORABLE: 'The database cannot store it.',
  TOO_LARGE: 'It is larger than MAX_MESSAGE_BYTES, so only its header is stored.',
  NOT_FETCHED: 'Its bytes were not fetched in this run.',
  MAILBOX_REFUSED: 'The server refuses access to the mailbox.',
  MAILBOX_GONE: 'The mailbox disappeared from the server during the run.',
  SERVER_CONTRADICTS_ITSELF: 'The server reports a different number of messages than it lists UIDs.',
  NO_UIDVALIDITY: 'The server reports no UIDVALIDITY, so its UIDs may not stay valid.',
  MAILBOX_BREAKS: 'The server disconnects or stops responding when the mailbox is read. A later run retries.',
  NOT_EQUAL: 'The stored messages differ from those that the server lists.',
} as const;
export type GapReason = keyof typeof GAP_REASONS;

/** Returns a reason from the database, which an older or newer version of Mailtide may have written. */
export const gapReason = (stored: string | null): GapReason =>
  stored !== null && Object.hasOwn(GAP_REASONS, stored) ? (stored as GapReason) : 'NOT_SERVED';

/** Most gaps listed for one mailbox; further ones are only counted. */
export const MAX_GAPS = 1000;

/**
 * Returns the SHA-256, in lower-case hex, of UIDVALIDITY, a line feed, and the UIDs as an IMAP sequence set: ascending,
 * two or more consecutive UIDs as a range ("1:5,7"), the empty set as an empty string. It can be recomputed from
 * `UID SEARCH ALL` (docs/correctness.md).
 */
export function uidSetDigest(uidValidity: bigint, uids: Iterable<number>): string {
  const [set = ''] = packUids(uids, Number.POSITIVE_INFINITY);
  return hash('sha256', `${uidValidity}\n${set}`);
}
