import libbase64 from 'libbase64';
import type { MimePart } from './read-parts.ts';
import { decodedHead } from './transfer-decoding.ts';

/** The bytes of a text part, decoded: `most` of them, or somewhat more. */
export function textBytes({ body, encoding }: MimePart, most: number): Buffer {
  if (encoding === 'base64') return base64Text(decodedHead(body, 'identity', most * 2));
  const decoded = decodedHead(body, encoding, most);
  // A body that is not encoded the way its header says is taken as it is.
  return decoded.length > 0 ? decoded : decodedHead(body, 'identity', most);
}

/** All base64, padded once or several times. */
const PURE = /^[A-Za-z0-9+/=\s]*$/;
const LINE = /^[A-Za-z0-9+/]*={0,2}$/;

/**
 * Base64, and whatever is not: mailing lists and virus scanners append their lines to the body as it is, and some senders
 * name an encoding that they do not use.
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
