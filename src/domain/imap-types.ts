/**
 * The words of Mailtide, each in a line. Where IMAP (RFC 9051) or JMAP (RFC 8621) has a word, we use it.
 *
 * - Tenant           one customer of an installation; sees its own rows only.
 * - EmailAccount     one mailbox owner's login at one IMAP server.
 * - Mailbox          an IMAP mailbox ("folder"): path, `uidValidity`, `uidNext`, `highestModseq`.
 * - generation       how many UIDVALIDITY changes of a mailbox we have seen; UIDs mean something within one only.
 * - MessageLocation  one message in one mailbox: (mailbox, generation, uid) with flags, modseq, internal date, size.
 * - Message          what was received, once per account and SHA-256 of its bytes, in however many mailboxes.
 * - source           the bytes of a Message as received: the truth; all else about it can be rebuilt from them.
 * - Pack             sources and texts of the messages that came together, compressed together.
 * - keyword, flag    `\Seen` and friends are system flags, anything else is a keyword; compared as a set.
 * - Thread           messages that refer to each other by Message-ID, In-Reply-To and References.
 * - SyncRun          one series of attempts to bring one account up to date.
 * - lease            the right to write for a run: a token that every transaction checks (fencing).
 * - Event            one fact in an account's timeline, chained by hash to the one before.
 */

/** How much help a server gives to find changes: RFC 7162 QRESYNC, CONDSTORE only, or neither. */
export type SyncLevel = 'QRESYNC' | 'CONDSTORE' | 'NONE';

/** Stands for the UIDVALIDITY of a mailbox whose server does not say it: the UIDs are taken for lasting then. */
export const NO_UIDVALIDITY = 0n;

/** What the SELECT that opens a pass says, copied at once (imapflow keeps changing its own object). */
export interface MailboxSnapshot {
  readonly path: string;
  /** {@link NO_UIDVALIDITY} where the server has none. */
  readonly uidValidity: bigint;
  /** Absent on servers that do not say it on SELECT (Courier). */
  readonly uidNext: number | null;
  /** Null where the server did not say it. */
  readonly exists: number | null;
  /** Null where the server has no mod-sequences for this mailbox (NOMODSEQ). */
  readonly highestModseq: bigint | null;
  /** MAILBOXID (RFC 8474): stays when the mailbox is renamed. Null where the server has none. */
  readonly mailboxId: string | null;
}

/** One mailbox of LIST, with what STATUS says about it; `status` null means unknown, never zero. */
export interface ListedMailbox {
  /** As people read it, and unique in its account (src/domain/mailbox-names.ts). */
  readonly path: string;
  /** As the server spells it, each byte one character. */
  readonly rawName: string;
  readonly delimiter: string | null;
  /** `\Inbox`, `\All`, `\Sent`, `\Drafts`, `\Junk`, `\Trash`, `\Archive`, `\Flagged`, ... or null. */
  readonly specialUse: string | null;
  /** False for \Noselect and \NonExistent. */
  readonly selectable: boolean;
  readonly status: MailboxStatus | null;
}

export interface MailboxStatus {
  readonly messages: number;
  readonly unseen: number | null;
  readonly uidNext: number | null;
  readonly uidValidity: bigint | null;
  readonly highestModseq: bigint | null;
}

/** What the server says of a message without its bytes. */
export interface MessageMetadata {
  readonly uid: number;
  /** Canonical (src/domain/flags.ts). */
  readonly flags: readonly string[];
  readonly internalDate: Date | null;
  /** RFC822.SIZE: a hint only, some servers lie. */
  readonly size: number;
  readonly modseq: bigint | null;
  /** EMAILID (RFC 8474) or X-GM-MSGID: the same wherever the message is. Null where the server has none. */
  readonly emailId: string | null;
}

/** Flags of a known message that may have changed. */
export interface FlagChange {
  readonly uid: number;
  readonly flags: readonly string[];
  readonly modseq: bigint | null;
}

export interface MailAddress {
  readonly name: string | null;
  readonly address: string | null;
}
