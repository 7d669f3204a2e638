/** A file uuencoded in a text (POSIX, uuencode). */
export interface UuencodedFile {
  readonly filename: string;
  readonly content: Buffer;
}

/** Most files in one text; further ones stay text. */
const MAX_FILES = 100;

const BEGIN = /^begin(?:-base64)? [0-7]{3,4} ([^\r\n]{1,255})\r?$/;

/** Extracts uuencoded files from a text; returns null if it has none. Linear: each line is read once. */
export function extractUuencoded(text: Buffer): { readonly text: Buffer; readonly files: UuencodedFile[] } | null {
  if (!text.includes('begin ')) return null;
  const files: UuencodedFile[] = [];
  const kept: Buffer[] = [];
  let keptFrom = 0;
  for (let at = 0; at < text.length && files.length < MAX_FILES; ) {
    const lineEnd = endOfLine(text, at);
    const begin =
      text[at] === B ? BEGIN.exec(text.toString('latin1', at, Math.min(lineEnd, at + 300)).trimEnd()) : null;
    const file = begin && readLines(text, lineEnd);
    if (file) {
      kept.push(text.subarray(keptFrom, at));
      files.push({
        filename: text.toString('utf8', at, lineEnd).trim().split(' ').slice(2).join(' '),
        content: file.content,
      });
      keptFrom = file.end;
    }
    at = file ? file.end : lineEnd;
  }
  if (files.length === 0) return null;
  kept.push(text.subarray(keptFrom));
  return { text: Buffer.concat(kept), files };
}

/** Returns the file of a body whose transfer encoding is uuencode, or the body itself if it is not encoded. */
export function uudecode(body: Buffer): Buffer {
  return extractUuencoded(body)?.files[0]?.content ?? body;
}

/**
 * Reads the lines of a file up to `end`, or up to the first invalid line; returns null if not a single one is valid.
 */
function readLines(text: Buffer, from: number): { content: Buffer; end: number } | null {
  // Three fourths of the text is the most that it can decode to. One buffer, because it may have millions of lines.
  const content = Buffer.allocUnsafe(Math.ceil(((text.length - from) * 3) / 4));
  let size = 0;
  let lines = 0;
  let at = from;
  while (at < text.length) {
    const lineEnd = endOfLine(text, at);
    const line = text.subarray(at, withoutBreak(text, at, lineEnd));
    const isEnd = line.length === 3 && line.toString('latin1') === 'end';
    if (isEnd) return { content: ownCopy(content, size), end: lineEnd };
    const decoded = decodeLine(line);
    if (!decoded) break;
    size += decoded.copy(content, size);
    lines++;
    at = lineEnd;
  }
  return lines > 0 ? { content: ownCopy(content, size), end: at } : null;
}

const ownCopy = (content: Buffer, size: number): Buffer => Buffer.from(content.subarray(0, size));

/**
 * Decodes a line: its first character is the number of bytes, and every four others are three bytes. Null if invalid.
 */
function decodeLine(line: Buffer): Buffer | null {
  if (line.length === 0) return null;
  const count = (line[0]! - SPACE) & 63;
  if (line[0]! < SPACE || line[0]! > BACKTICK) return null;
  const needed = Math.ceil(count / 3) * 4;
  // Blanks at the end may be lost in transit, and some programs add a check character.
  if (line.length - 1 > needed + 2 || line.length - 1 < Math.ceil((count * 4) / 3) - MAX_LOST) return null;
  const bytes = Buffer.alloc((needed / 4) * 3);
  for (let i = 0; i < needed; i += 4) {
    let value = 0;
    for (let k = 0; k < 4; k++) {
      const code = line[1 + i + k] ?? SPACE;
      if (code < SPACE || code > BACKTICK) return null;
      value = (value << 6) | ((code - SPACE) & 63);
    }
    bytes.writeUIntBE(value, (i / 4) * 3, 3);
  }
  return bytes.subarray(0, count);
}

/** Most characters missing at the end of a line, which may have been blanks. */
const MAX_LOST = 8;

function endOfLine(text: Buffer, from: number): number {
  const at = text.indexOf(LF, from);
  return at < 0 ? text.length : at + 1;
}

function withoutBreak(text: Buffer, from: number, end: number): number {
  let last = end;
  while (last > from && (text[last - 1] === LF || text[last - 1] === CR)) last--;
  return last;
}

const B = 0x62;
const SPACE = 0x20;
const BACKTICK = 0x60;
const LF = 0x0a;
const CR = 0x0d;
