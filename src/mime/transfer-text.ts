import libbase64 from 'libbase64';
import type { MimePart } from './read-parts.ts';
import { decodedHead } from './transfer-decoding.ts';

/** Returns the first decoded bytes of a text part: at least `most`, if it has that many. */
export function textBytes({ body, encoding }: MimePart, most: number): Buffer {
  if (encoding === 'base64') return base64Text(decodedHead(body, 'identity', most * 2));
  const decoded = decodedHead(body, encoding, most);
  // A body that is not in the encoding of its header is used unchanged.
  return decoded.length > 0 ? decoded : decodedHead(body, 'identity', most);
}

/** All base64, padded once or several times. */
const PURE = /^[A-Za-z0-9+/=\s]*$/;
const LINE = /^[A-Za-z0-9+/]*={0,2}$/;

/**
 * Decodes base64, and keeps the rest unchanged: mailing lists and virus scanners append plain lines to an encoded body,
 * and some senders declare an encoding that they do not use.
 */
function base64Text(body: Buffer): Buffer {
  const text = body.toString('latin1');
  if (PURE.test(text)) return libbase64.decode(text);
  let end = 0;
  let isEnded = false;
  let length = 0;
  while (end < text.length) {
    const next = text.indexOf('\n', end) + 1 || text.length;
    const written = text.slice(end, next).trim();
    if (written !== '' && (isEnded || !LINE.test(written))) break;
    // The last line is padded, or shorter than the others.
    isEnded ||= written !== '' && (written.endsWith('=') || written.length < length);
    length ||= written.length;
    end = next;
  }
  return Buffer.concat([libbase64.decode(text.slice(0, end)), body.subarray(end)]);
}
