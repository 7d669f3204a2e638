import type {
  ConnectionSecurity,
  FlagChange,
  ListedMailbox,
  MailboxSnapshot,
  MessageMetadata,
  SyncLevel,
} from '../domain/imap-types.ts';
import type { UnreadAnswers } from '../domain/receipt.ts';
import type { UidRanges } from '../domain/uid-ranges.ts';

/** Where and as whom to log in. `password` and `accessToken` never leave this object. */
export interface ImapLogin {
  readonly host: string;
  /** Where `host` was found when that was checked: nothing else is connected to. Certificates are still for `host`. */
  readonly addresses?: readonly string[];
  readonly port: number;
  readonly security: ConnectionSecurity;
  readonly username: string;
  readonly credentials: { readonly password: string } | { readonly accessToken: string };
}

export interface ImapServerFacts {
  readonly level: SyncLevel;
  /** By capability X-GM-EXT-1: sync \All, \Trash and \Junk only, labels are mailboxes there. */
  readonly isGmail: boolean;
  readonly capabilities: readonly string[];
}

/** The bytes of one message. `source` is never empty unless the message is. */
export interface FetchedSource {
  readonly uid: number;
  readonly source: Buffer;
}

/** A message that has more bytes than a message may have, whatever the server said of its size. */
export interface OversizedSource {
  readonly uid: number;
  readonly source: null;
}

export interface MailboxChanges {
  readonly changed: readonly FlagChange[];
  /** UIDs that VANISHED (RFC 7162); may name UIDs that never were. */
  readonly vanished: UidRanges;
}

/**
 * One logged-in connection, reading only: no STORE, EXPUNGE, CLOSE, APPEND; BODY.PEEK. One command at a time.
 * Every method rejects with a MailtideError of the table (IMAP_*), and within a deadline.
 */
export interface ImapConnection {
  readonly server: ImapServerFacts;

  /**
   * All mailboxes of all namespaces, INBOX first, which is there also where LIST does not show it. With their STATUS
   * unless that is not wanted; `status` is null where the server gave none.
   */
  list(options?: { withStatus: boolean }): Promise<ListedMailbox[]>;

  /** What the server answered to the last {@link list} that could not be read. */
  unread(): UnreadAnswers;

  /** SELECTs afresh (also when selected already), by the name that LIST showed, and copies what it says at once. */
  select(path: string): Promise<MailboxSnapshot>;

  /**
   * UID SEARCH UID `set`, ascending. A refused search rejects: never an empty answer for a failure. `n:*` names the last
   * message even where its UID is below n (RFC 9051, 9, seq-range).
   */
  searchUids(set: string): Promise<number[]>;

  /**
   * What the server knows of `uids` without their bytes. Rows may be missing: compare asked with received. For their
   * size servers may have to read the messages, and break down over one that they cannot: without it all sizes are 0.
   */
  fetchMetadata(uids: readonly number[], options?: { withSize: boolean }): AsyncIterable<MessageMetadata>;

  /** Flags of all UIDs up to `upTo` that changed after `since`; with QRESYNC also what vanished. Needs CONDSTORE. */
  fetchChanges(upTo: number, since: bigint): Promise<MailboxChanges>;

  /** Flags of a range of known UIDs, for servers without CONDSTORE. */
  fetchFlags(set: string): Promise<FlagChange[]>;

  /**
   * BODY.PEEK[] of `uids`, in the server's order, empty ones last. Rows may be missing, as above. The reader waits while
   * you do. Leaving the loop early does not stop the server: ask for as much as you will take. Messages that are large,
   * as far as `sizes` tells (bytes), come last, and in pieces. One that is larger than it may be has no source; the
   * connection may have ended with it.
   */
  fetchSources(
    uids: readonly number[],
    sizes?: ReadonlyMap<number, { readonly size: number }>,
  ): AsyncIterable<FetchedSource | OversizedSource>;

  /** BODY.PEEK[HEADER] of `uids`, whole or only some fields of it. Rows may be missing, as above. */
  fetchHeaders(uids: readonly number[], fields?: readonly string[]): Promise<FetchedSource[]>;

  /**
   * UIDs of the selected mailbox that VANISHED unasked since the last call; with QRESYNC the server counts them as told
   * and may not tell again. EXPUNGE, which servers without QRESYNC send, names no UIDs: there, compare sets.
   */
  takeVanished(): UidRanges;

  /** LOGOUT if it can be said quickly, else the socket is closed. Never rejects, never sends CLOSE. */
  close(): Promise<void>;
}
