import libmime from 'libmime';
import { MAX_TEXT } from '../domain/parsed-message.ts';
import { decodeText } from './decode-text.ts';
import type { MimePart } from './read-parts.ts';
import { textBytes } from './transfer-text.ts';
import { extractUuencoded, type UuencodedFile } from './uuencode.ts';

/** Most bytes of a part that are shown. A character takes at most four bytes. */
const MAX_BYTES = 4 * (MAX_TEXT + 1);

export interface PartText {
  readonly text: string;
  /** The files uuencoded in it. */
  readonly files: readonly UuencodedFile[];
}

/** Returns the text of a text part, decoded and with LF as line ends. */
export function textOfPart(part: MimePart): PartText {
  const isHtml = part.contentType === 'text/html';
  // Files within a text are read to their end.
  const bytes = textBytes(part, isHtml ? MAX_BYTES : Number.POSITIVE_INFINITY);
  const extracted = isHtml ? null : extractUuencoded(bytes);
  const plain = (extracted?.text ?? bytes).subarray(0, MAX_BYTES);
  const unfolded = part.flowed ? unflowed(plain, part.flowed.delSp) : plain;
  const text = decodeText(unfolded, part.charset, { html: isHtml });
  // Text decoded from base64 may have the line ends of an old Mac.
  return { text: text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text, files: extracted?.files ?? [] };
}

function unflowed(bytes: Buffer, delSp: boolean): Buffer {
  return Buffer.from(libmime.decodeFlowed(bytes.toString('latin1'), delSp), 'latin1');
}
