import type { MailAddress } from './imap-types.ts';
import type { ThreadLinks } from './threads.ts';

/**
 * Version of the parser's results. A change that alters them adds 1, with a migration that recreates the index
 * `message_stale` for it. Stored messages are then parsed again in the background (src/store/mail/reparse.ts).
 * 0: mailparser's own text, attachments and threads. 1: all parts in order, usable Message-IDs, charsets by their
 * bytes. 2: Sender where From has no address.
 */
export const PARSER_VERSION = 2;

/** Most addresses per field. A longer list is a mistake or an attack, and the source still contains it. */
export const MAX_ADDRESSES = 500;
/** Most characters of `text` and of `html`: longer than any text written for people. */
export const MAX_TEXT = 1_000_000;
/** The `parseError` of a message with more text. */
export const TEXT_IS_CUT = `text after ${MAX_TEXT} characters is left out`;
/** In characters. */
export const SNIPPET_LENGTH = 200;

/** A message as users see it. Every string is well-formed Unicode without U+0000, ready for PostgreSQL. */
export interface ParsedMessage {
  readonly messageIdHeader: string | null;
  /** In-Reply-To and References, oldest first, without the message's own id, at most 100. */
  readonly references: readonly string[];
  readonly subject: string | null;
  /** At most {@link MAX_ADDRESSES} in each list, including members of groups. */
  readonly from: readonly MailAddress[];
  readonly to: readonly MailAddress[];
  readonly cc: readonly MailAddress[];
  readonly bcc: readonly MailAddress[];
  readonly replyTo: readonly MailAddress[];
  /** The Date header, if it is a date in the years 1 to 9999. */
  readonly sentAt: Date | null;
  /**
   * All text that is shown: of each part the plain text, or that of the HTML if it contains more. Like `html`, it has
   * at most {@link MAX_TEXT} characters.
   */
  readonly text: string;
  readonly html: string | null;
  /**
   * The first words of the text, without invisible characters, white space folded, at most {@link SNIPPET_LENGTH}
   * characters.
   */
  readonly snippet: string;
  readonly attachments: readonly ParsedAttachment[];
  /** Whether the HTML seems to load images from other servers. */
  readonly hasRemoteImages: boolean;
  /** Words of attached messages and invitations: a search finds the message by them. They are not stored as text. */
  readonly attachedText: string;
  /** Why the result lacks part of the message, in a few words; null if it is complete. */
  readonly parseError: string | null;
}

export interface ParsedAttachment {
  readonly filename: string | null;
  readonly contentType: string;
  readonly size: number;
  /** Without angle brackets, as in `cid:` URLs of the HTML. */
  readonly contentId: string | null;
  /** An image that the HTML embeds by its `cid:` or its address, and that users do not see as an attachment. */
  readonly isInline: boolean;
}

/** The fields of a message that decide how it is stored; all others are in {@link MessageColumns}. */
export interface MessageDigest {
  /** Lower-case hex of the bytes as received. */
  readonly sha256: string;
  /** In bytes, as received. */
  readonly size: number;
  readonly sentAt: Date | null;
  readonly place: PackPlace;
  readonly links: ThreadLinks;
  readonly attachments: readonly ParsedAttachment[];
  /** Parsing takes too much time or memory, or crashes: only the header was parsed. */
  readonly isHeaderOnly: boolean;
}

/** Columns of the messages of a batch: one binary array per column (src/pg-formats/pg-array.ts), in their order. */
export type MessageColumns = {
  readonly messageIdHeader: Uint8Array<ArrayBuffer>;
  readonly subject: Uint8Array<ArrayBuffer>;
  /** Address lists as JSON. */
  readonly from: Uint8Array<ArrayBuffer>;
  readonly to: Uint8Array<ArrayBuffer>;
  readonly cc: Uint8Array<ArrayBuffer>;
  readonly bcc: Uint8Array<ArrayBuffer>;
  readonly replyTo: Uint8Array<ArrayBuffer>;
  readonly snippet: Uint8Array<ArrayBuffer>;
  readonly hasRemoteImages: Uint8Array<ArrayBuffer>;
  readonly parseError: Uint8Array<ArrayBuffer>;
  /** The searchable words of each message, as binary tsvectors (src/domain/search-words.ts). */
  readonly search: Uint8Array<ArrayBuffer>;
};

/**
 * Text, HTML and source of the messages of a batch, each kind one zstd frame. These are binary arrays too, nearly
 * always of one pack. If a message crashes the parser's thread, each message has a pack of its own.
 */
export interface Packs {
  /** The text and then the HTML of each message, as UTF-8. */
  readonly texts: Uint8Array<ArrayBuffer>;
  /** The bytes as received. */
  readonly sources: Uint8Array<ArrayBuffer>;
}

/** Position of a message in its pack, in uncompressed bytes. The source is as long as the message's `size`. */
export interface PackPlace {
  /** Which of {@link Packs}, from 0. */
  readonly pack: number;
  readonly textAt: number;
  readonly textSize: number;
  /** Null if it has no HTML. */
  readonly htmlSize: number | null;
  readonly sourceAt: number;
}

/** Messages as the parser's thread returns them: parsed, hashed, compressed and ready to be written without a copy. */
export interface DigestedBatch {
  /** One for each source, in the order of the sources. */
  readonly messages: readonly MessageDigest[];
  readonly columns: MessageColumns;
  readonly packs: Packs;
}
