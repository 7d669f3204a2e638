import { decodeText } from './decode-text.ts';

/**
 * An encoded word (RFC 2047, 2), as leniently as other mail programs read it: with blanks and bare question marks,
 * without padding, with a language (RFC 2231, 5). Lengths are limited, and so is the time.
 */
const WORD = /=\?([^?\s=]{1,60})\?([bq])\?((?:[^?]|\?(?!=)){0,2000})\?=/gi;

/** Replaces the encoded words of a header value by correct ones in UTF-8, for libraries that are strict about them. */
export function repairEncodedWords(value: string): string {
  if (!value.includes('=?')) return value;
  let repaired = '';
  let at = 0;
  let charset = '';
  let pieces: Buffer[] = [];
  const close = (): void => {
    if (pieces.length > 0) repaired += encoded(decodeText(Buffer.concat(pieces), charset, { html: false }));
    pieces = [];
  };
  for (const { 0: word, 1: label = '', 2: encoding = '', 3: text = '', index } of value.matchAll(WORD)) {
    const between = value.slice(at, index);
    // White space between two words belongs to neither. A character may be split between the words.
    const isNext = pieces.length > 0 && between.trim() === '';
    if (!isNext || label.toLowerCase() !== charset) close();
    if (!isNext) repaired += between;
    charset = label.toLowerCase();
    pieces.push(encoding.toLowerCase() === 'b' ? Buffer.from(text, 'base64') : quotedBytes(text));
    at = index + word.length;
  }
  close();
  return repaired + value.slice(at);
}

const encoded = (text: string): string => (text ? `=?UTF-8?B?${Buffer.from(text).toString('base64')}?=` : '');

/** Decodes the Q encoding (RFC 2047, 4.2), even if folding has put a blank between the sign and its digits. */
function quotedBytes(text: string): Buffer {
  const plain = text
    .replace(/_/g, ' ')
    .replace(/= ?([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(plain, 'latin1');
}
