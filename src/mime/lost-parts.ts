import { type HeaderFields, readHeaderFields } from './header-fields.ts';

/** How many bytes are searched for a boundary or a header, which comes first if it exists. */
const SEARCHED = 64 * 1024;

/** A delimiter line, followed by a header field or an empty line. */
const DELIMITER = /^--(\S[^\r\n"\\]{0,198}?)[ \t]*\r?\n(?=content-[\w-]+:|\r?\n)/im;

/** Returns the boundary that a multipart seems to have, whatever its header declares; null if it has none. */
export function guessedBoundary(body: Buffer): string | null {
  return DELIMITER.exec(body.toString('latin1', 0, SEARCHED))?.[1] ?? null;
}

const CONTENT_TYPE = /^content-type[ \t]*:/im;

/**
 * Returns the first part of a multipart whose delimiter is missing or misspelt. It lies before the first correct
 * delimiter. Ordinary text there has no header, and is meant for programs without MIME (RFC 2046, 5.1.1).
 */
export function lostPart(preamble: readonly Buffer[]): { readonly header: HeaderFields; readonly body: Buffer } | null {
  if (preamble.length === 0) return null;
  const bytes = Buffer.concat(preamble);
  const start = CONTENT_TYPE.exec(bytes.toString('latin1', 0, SEARCHED))?.index;
  if (start === undefined) return null;
  const part = bytes.subarray(start);
  const header = readHeaderFields(part);
  return { header, body: part.subarray(header.end) };
}

const FIELD = /^[!-9;-~]+[ \t]*:/;

/** Returns the body of a header block without a final empty line: it begins at the first line that is no field. */
export function misplacedBody(block: Buffer): Buffer {
  const text = block.toString('latin1', 0, SEARCHED);
  if (/\n\r?\n$/.test(text) || block.length === 0) return block.subarray(block.length);
  let at = 0;
  let fields = 0;
  for (const line of text.split('\n')) {
    if (FIELD.test(line)) fields++;
    else if (fields > 0 && line.trim() !== '' && !/^[ \t]/.test(line)) return block.subarray(at);
    at += line.length + 1;
  }
  return block.subarray(block.length);
}
