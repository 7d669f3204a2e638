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

/** Server and credentials of a login. `password` and `accessToken` never leave this object. */
export interface ImapLogin {
  readonly host: string;
  /** The checked addresses of `host`, and the only ones to connect to. Certificates are still verified for `host`. */
  readonly addresses?: readonly string[];
  readonly port: number;
  readonly security: ConnectionSecurity;
  readonly username: string;
  readonly credentials: { readonly password: string } | { readonly accessToken: string };
}

export interface ImapServerFacts {
  readonly level: SyncLevel;
  /** The server has X-GM-EXT-1. Its labels are mailboxes, so only \All, \Trash and \Junk are synced. */
  readonly isGmail: boolean;
  readonly capabilities: readonly string[];
}

/** The bytes of one message. `source` is empty only if the message is. */
export interface FetchedSource {
  readonly uid: number;
  readonly source: Buffer;
}

/** A message that exceeds the size limit, whatever size the server reported. */
export interface OversizedSource {
  readonly uid: number;
  readonly source: null;
}

export interface MailboxChanges {
  readonly changed: readonly FlagChange[];
  /** UIDs that VANISHED (RFC 7162); may include UIDs that never existed. */
  readonly vanished: UidRanges;
}

/**
 * One logged-in, read-only connection: it never sends STORE, EXPUNGE, CLOSE or APPEND, and fetches with BODY.PEEK. It
 * runs one command at a time. Every method rejects within a deadline, with a MailtideError of the table (IMAP_*).
 */
export interface ImapConnection {
  readonly server: ImapServerFacts;

  /**
   * Lists all mailboxes of all namespaces, INBOX first, even if LIST omits it. Includes their STATUS by default;
   * `status` is null if the server returned none.
   */
  list(options?: { withStatus: boolean }): Promise<ListedMailbox[]>;

  /** Returns the unreadable answers to the last {@link list}. */
  unread(): UnreadAnswers;

  /** SELECTs a mailbox by the name in LIST, even if it is selected already, and copies the answer at once. */
  select(path: string): Promise<MailboxSnapshot>;

  /**
   * UID SEARCH UID `set`, ascending. A refused search rejects, so an empty result is never a failure. `n:*` includes
   * the last message even if its UID is below n (RFC 9051, 9, seq-range).
   */
  searchUids(set: string): Promise<number[]>;

  /**
   * Fetches the metadata of `uids` without their bytes. Rows may be missing: compare requested with received UIDs. To
   * compute a size, a server may have to read the message, and may fail on it. Without size, all sizes are 0.
   */
  fetchMetadata(uids: readonly number[], options?: { withSize: boolean }): AsyncIterable<MessageMetadata>;

  /** Fetches the flags of UIDs up to `upTo` that changed after `since`; with QRESYNC also VANISHED. Needs CONDSTORE. */
  fetchChanges(upTo: number, since: bigint): Promise<MailboxChanges>;

  /** Fetches the flags of a range of known UIDs, for servers without CONDSTORE. */
  fetchFlags(set: string): Promise<FlagChange[]>;

  /**
   * BODY.PEEK[] of `uids`, in the server's order, empty ones last. Rows may be missing, as above. Reading pauses while
   * the caller processes a row. Leaving the loop early does not stop the server, so request only what you will read.
   * Messages that are large according to `sizes` (bytes) come last, and are fetched in pieces. One that exceeds the
   * size limit has no source, and the connection may have ended with it.
   */
  fetchSources(
    uids: readonly number[],
    sizes?: ReadonlyMap<number, { readonly size: number }>,
  ): AsyncIterable<FetchedSource | OversizedSource>;

  /** BODY.PEEK[HEADER] of `uids`, whole or only the given fields. Rows may be missing, as above. */
  fetchHeaders(uids: readonly number[], fields?: readonly string[]): Promise<FetchedSource[]>;

  /**
   * Returns the UIDs of the selected mailbox that VANISHED unsolicited since the last call. With QRESYNC the server
   * counts them as reported and may not repeat them. Servers without QRESYNC send EXPUNGE, which contains no UIDs:
   * compare sets there.
   */
  takeVanished(): UidRanges;

  /** Sends LOGOUT, and closes the socket if that takes too long. Never rejects, never sends CLOSE. */
  close(): Promise<void>;
}
