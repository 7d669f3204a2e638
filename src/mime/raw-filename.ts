import { isUtf8 } from 'node:buffer';
import libmime from 'libmime';
import { readHeaderFields } from './header-fields.ts';

/**
 * Returns the file name in a part's header that contains raw 8-bit bytes other than UTF-8, which the splitter would
 * take for ISO-8859-1. RFC 2183 forbids such bytes, but old programs write them in the charset of the letter.
 * @param charset charset of the letter
 * @returns null if the splitter's result is right
 */
export function rawFilename(header: Buffer, charset: string | null): string | null {
  if (isUtf8(header)) return null;
  const { values } = readHeaderFields(header, charset);
  const parameter = (field: 'content-disposition' | 'content-type', name: string): string | undefined =>
    libmime.parseHeaderValue(values.get(field) ?? '').params[name];
  return parameter('content-disposition', 'filename') || parameter('content-type', 'name') || null;
}
