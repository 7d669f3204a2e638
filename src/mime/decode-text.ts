import { isAscii, isUtf8 } from 'node:buffer';
import { type Charset, charsetOf } from './charset-label.ts';
import { hasIso2022Escapes } from './iso-2022.ts';
import { latin1 } from './latin1.ts';
import { metaCharset } from './meta-charset.ts';

/**
 * Decodes text whose charset is declared correctly, wrongly or not at all. It uses the first that applies:
 *
 * 1. a byte order mark;
 * 2. in seven-bit text, the escape sequences of ISO 2022, whatever is declared;
 * 3. the declared charset, unless the bytes are invalid in it, or certainly UTF-8;
 * 4. in HTML, the charset that the document itself declares, by the same rule;
 * 5. UTF-8 if the bytes are valid;
 * 6. the first of these charsets that decodes nearly all of it: truncated or repaired text has stray bytes;
 * 7. windows-1252, which has a character for every byte.
 *
 * Refused: statistical detection. For the few letters of a short message it can only guess, and readers notice a wrong
 * script more than a wrong accent.
 * @param declared the label in the header field; null if it has none
 */
export function decodeText(bytes: Uint8Array, declared: string | null, { html }: { html: boolean }): string {
  const mark = byteOrderMark(bytes);
  if (mark) return mark.decode(bytes);
  const charset = charsetOf(declared);
  if (isAscii(bytes)) return decodeAscii(bytes, charset);
  const declaredText = charset && fitting(bytes, charset);
  if (declaredText?.isClean) return declaredText.text;
  const meta = html ? charsetOf(metaCharset(bytes)) : null;
  const metaText = meta && fitting(bytes, meta);
  if (metaText?.isClean) return metaText.text;
  const asUtf8 = UTF_8.decode(bytes);
  if (isUtf8(bytes)) return asUtf8;
  const nearly = [declaredText?.text, metaText?.text, asUtf8].find((text) => text && isNearlyClean(text));
  return nearly ?? WINDOWS_1252.decode(bytes);
}

const UTF_8 = charsetOf('utf-8')!;
const WINDOWS_1252 = charsetOf('windows-1252')!;
const MARKED = { utf8: new TextDecoder('utf-8'), le: new TextDecoder('utf-16le'), be: new TextDecoder('utf-16be') };

function byteOrderMark(bytes: Uint8Array): TextDecoder | null {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return MARKED.utf8;
  // A mark of four bytes is that of UTF-32, which its own decoder reads if it is declared.
  if (bytes[0] === 0xff && bytes[1] === 0xfe && (bytes[2] !== 0 || bytes[3] !== 0)) return MARKED.le;
  return bytes[0] === 0xfe && bytes[1] === 0xff ? MARKED.be : null;
}

function decodeAscii(bytes: Uint8Array, charset: Charset | null): string {
  if (charset?.kind === 'sevenBit' || (charset?.kind === 'wide' && bytes.includes(0))) return charset.decode(bytes);
  const text = latin1(bytes);
  return bytes.includes(ESC) && hasIso2022Escapes(text) ? ISO_2022.decode(bytes) : text;
}

const ESC = 0x1b;
const ISO_2022 = charsetOf('iso-2022-jp')!;

interface Decoded {
  readonly text: string;
  /** All bytes are valid in the charset, and nothing contradicts it. */
  readonly isClean: boolean;
}

/** Decodes text with bytes from 0x80 in a charset; returns null if the text cannot be in it. */
function fitting(bytes: Uint8Array, charset: Charset): Decoded | null {
  if (charset.kind === 'sevenBit') return null;
  if (charset.kind === 'wide' && !bytes.includes(0) && isUtf8(bytes)) return null;
  const text = charset.decode(bytes);
  return { text, isClean: !text.includes(REPLACEMENT) && !(charset.kind === 'single' && isSurelyUtf8(bytes)) };
}

const REPLACEMENT = '\ufffd';

/**
 * Returns whether text that is declared to be in a single-byte charset is UTF-8 instead. In such a charset, the bytes
 * of a UTF-8 character are a capital letter and a symbol, or several symbols. In no language do all letters beyond
 * ASCII form such pairs. A single pair may be genuine ("CAFÉ’S" in windows-1252), unless it is one of the accented
 * small letters that occur in Western text in UTF-8.
 */
function isSurelyUtf8(bytes: Uint8Array): boolean {
  if (!isUtf8(bytes)) return false;
  let pairs = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte < 0x80) continue;
    if (byte >= 0xe0 || byte === 0xc3 || ++pairs === 2) return true;
    at++;
  }
  return false;
}

/** Returns whether at most one in ten of the characters beyond ASCII could not be decoded. */
function isNearlyClean(text: string): boolean {
  let bad = 0;
  let beyondAscii = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) continue;
    beyondAscii++;
    if (unit === 0xfffd) bad++;
  }
  return bad * 10 <= beyondAscii;
}
