import type { MailAddress } from './imap-types.ts';

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
