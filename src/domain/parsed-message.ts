import type { MailAddress } from './imap-types.ts';
import type { ThreadLinks } from './threads.ts';

/**
 * What the parser makes of a source. Whoever changes that adds 1, with a migration that makes the index
 * `message_stale` for it; then stored messages are parsed again in the background (src/store/mail/reparse.ts).
 * 0: mailparser's own text, attachments and threads. 1: all parts in order, usable Message-IDs, charsets by their bytes.
 */
export const PARSER_VERSION = 1;

/** Of each address field: a list of recipients longer than this is a mistake or an attack, and the source has it all. */
export const MAX_ADDRESSES = 500;
/** Of `text` and of `html`, in characters: beyond all that is written to be read. */
export const MAX_TEXT = 1_000_000;
/** The `parseError` of a message with more text. */
export const TEXT_IS_CUT = `text after ${MAX_TEXT} characters is left out`;
/** In characters. */
export const SNIPPET_LENGTH = 200;

/** What a person sees of a message. Every string is well-formed Unicode without U+0000, ready for PostgreSQL. */
export interface ParsedMessage {
  readonly messageIdHeader: string | null;
  /** In-Reply-To and References, oldest first, without the message's own id, at most 100. */
  readonly references: readonly string[];
  readonly subject: string | null;
  /** At most {@link MAX_ADDRESSES} in each list, members of groups among them. */
  readonly from: readonly MailAddress[];
  readonly to: readonly MailAddress[];
  readonly cc: readonly MailAddress[];
  readonly bcc: readonly MailAddress[];
  readonly replyTo: readonly MailAddress[];
  /** The Date header, if it is a date of the years 1 to 9999. */
  readonly sentAt: Date | null;
  /** All text that is shown, of each part the plain text or, where that says more, the HTML's; like `html` at most {@link MAX_TEXT} characters. */
  readonly text: string;
  readonly html: string | null;
  /** The first words of the text, without invisible characters, white space folded, at most {@link SNIPPET_LENGTH} characters. */
  readonly snippet: string;
  readonly attachments: readonly ParsedAttachment[];
  /** Whether the HTML seems to ask for images of other servers. */
  readonly hasRemoteImages: boolean;
  /** Words of attached messages and invitations: a search finds the message by them. They are not stored as text. */
  readonly attachedText: string;
  /** Why parsing gave less than the whole message, in a few words; null when it gave all. */
  readonly parseError: string | null;
}

export interface ParsedAttachment {
  readonly filename: string | null;
  readonly contentType: string;
  readonly size: number;
  /** Without angle brackets, as `cid:` URLs of the HTML name it. */
  readonly contentId: string | null;
  /** An image that the HTML shows, by its `cid:` or its address: not what people call an attachment. */
  readonly isInline: boolean;
}

/** What the account has to be asked about a message before it is stored; all else is in {@link MessageColumns}. */
export interface MessageDigest {
  /** Lower-case hex of the bytes as received. */
  readonly sha256: string;
  /** In bytes, as received. */
  readonly size: number;
  readonly sentAt: Date | null;
  readonly place: PackPlace;
  readonly links: ThreadLinks;
  readonly attachments: readonly ParsedAttachment[];
  /** Parsing it takes too much time or memory, or breaks off: only its header was parsed. */
  readonly isHeaderOnly: boolean;
}

/** What a batch stores of its messages: a binary array for each column (src/pg-formats/pg-array.ts), in their order. */
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
  /** The words that it is found by, as binary tsvectors (src/domain/search-words.ts). */
  readonly search: Uint8Array<ArrayBuffer>;
};

/**
 * Text, HTML and source of messages that came together, each kind a zstd frame: binary arrays again, of nearly always
 * one pack. Where a message breaks the thread that parses them, each is in a pack of its own.
 */
export interface Packs {
  /** Of each message the text and then the HTML, as UTF-8. */
  readonly texts: Uint8Array<ArrayBuffer>;
  /** The bytes as received. */
  readonly sources: Uint8Array<ArrayBuffer>;
}

/** Where a message is in its pack; numbers of uncompressed bytes. The source is as long as the message's `size`. */
export interface PackPlace {
  /** Which of {@link Packs}, from 0. */
  readonly pack: number;
  readonly textAt: number;
  readonly textSize: number;
  /** Null when it has no HTML. */
  readonly htmlSize: number | null;
  readonly sourceAt: number;
}

/** Messages after the worker: parsed, hashed, compressed, and ready to be written, because copies are what they cost. */
export interface DigestedBatch {
  /** One for each source, in the order of the sources. */
  readonly messages: readonly MessageDigest[];
  readonly columns: MessageColumns;
  readonly packs: Packs;
}
