/**
 * Glossary. Where IMAP (RFC 9051) or JMAP (RFC 8621) has a term, Mailtide uses it.
 *
 * - Tenant           one customer of an installation; sees its own rows only.
 * - EmailAccount     one mailbox owner's login at one IMAP server.
 * - Mailbox          an IMAP mailbox ("folder"): path, `uidValidity`, `uidNext`, `highestModseq`.
 * - generation       the number of UIDVALIDITY changes seen in a mailbox; UIDs are meaningful within one generation.
 * - MessageLocation  one message in one mailbox: (mailbox, generation, uid) with flags, modseq, internal date, size.
 * - Message          what was received, stored once per account and SHA-256 of its bytes, in any number of mailboxes.
 * - source           the bytes of a Message as received. Everything else about it can be rebuilt from them.
 * - Pack             sources and texts of the messages of a batch, compressed together.
 * - keyword, flag    `\Seen` and the like are system flags, all others are keywords; compared as a set.
 * - Thread           messages that refer to each other by Message-ID, In-Reply-To and References.
 * - Event            one fact in an account's timeline, chained by hash to the one before.
 *
 * A sync:
 *
 * - SyncRun          one series of attempts to bring one account up to date, from request to outcome.
 * - attempt          one try of a worker to carry out a run; a preempted run continues its attempt.
 * - pass             one reading of one mailbox within a run, ended by its cursor.
 * - cursor           the UIDNEXT and HIGHESTMODSEQ from which the next pass of a mailbox continues.
 * - lease            a worker's time-limited right to write a run: a token that every transaction checks (fencing).
 * - slot             room in a worker for one run at a time.
 * - time slice       how long a run keeps its slot before it may be preempted in favour of a waiting one.
 * - frame            one SyncProgress: the row of a run after a commit, as subscribers receive it.
 * - quarantine       skip an unreadable message or mailbox, record the reason, retry later.
 * - cooling          the pause during which no run begins at a host that turned a connection away.
 * - node             one process of an installation.
 *
 * What a sync proves:
 *
 * - evidence         what an attempt learned of one mailbox from the server, to be compared with the database.
 * - proof            why the server's set of messages equals the stored one: STATUS, COUNT or UID_SET.
 * - gap              a message or mailbox that is not stored whole, or not proven to be, with the reason.
 * - receipt          the proofs and gaps of a run that succeeded, mailbox by mailbox.
 */

/** The best extension of RFC 7162 that a server offers to find changes: QRESYNC, CONDSTORE only, or neither. */
export type SyncLevel = 'QRESYNC' | 'CONDSTORE' | 'NONE';

/** Stands for the UIDVALIDITY of a mailbox whose server omits it. Its UIDs are then assumed never to change. */
export const NO_UIDVALIDITY = 0n;

/** The answer to the SELECT that opens a pass, copied at once because imapflow keeps changing its own object. */
export interface MailboxSnapshot {
  readonly path: string;
  /** {@link NO_UIDVALIDITY} if the server has none. */
  readonly uidValidity: bigint;
  /** Null on servers that omit it from SELECT (Courier). */
  readonly uidNext: number | null;
  /** Null if the server omitted it. */
  readonly exists: number | null;
  /** Null if the server has no mod-sequences for this mailbox (NOMODSEQ). */
  readonly highestModseq: bigint | null;
  /** MAILBOXID (RFC 8474): survives a rename. Null if the server has none. */
  readonly mailboxId: string | null;
}

/** How the connection to a mail server is encrypted: from the first byte, by STARTTLS, or not at all. */
export const CONNECTION_SECURITIES = ['TLS', 'STARTTLS', 'NONE'] as const;
export type ConnectionSecurity = (typeof CONNECTION_SECURITIES)[number];

/** One mailbox of LIST with its STATUS; a null `status` means unknown, never zero. */
export interface ListedMailbox {
  /** The name for people, unique in its account (src/domain/mailbox-names.ts). */
  readonly path: string;
  /** The server's spelling, each byte one character. */
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

/** What a FETCH returns of a message without its bytes. */
export interface MessageMetadata {
  readonly uid: number;
  /** Canonical (src/domain/flags.ts). */
  readonly flags: readonly string[];
  readonly internalDate: Date | null;
  /** RFC822.SIZE: a hint only, because some servers report a wrong one. */
  readonly size: number;
  readonly modseq: bigint | null;
  /** EMAILID (RFC 8474) or X-GM-MSGID: the same in every mailbox. Null if the server has none. */
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
