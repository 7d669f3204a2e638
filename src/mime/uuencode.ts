/** A file that is uuencoded in a text (POSIX, uuencode). */
export interface UuencodedFile {
  readonly filename: string;
  readonly content: Buffer;
}

/** More files than this in one text stay text. */
const MAX_FILES = 100;

const BEGIN = /^begin(?:-base64)? [0-7]{3,4} ([^\r\n]{1,255})\r?$/;

/** Takes uuencoded files out of a text. Linear: each line is looked at once. Null when there is none. */
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

/** The file of a body whose transfer encoding is uuencode; the body itself when it is not encoded. */
export function uudecode(body: Buffer): Buffer {
  return extractUuencoded(body)?.files[0]?.content ?? body;
}

/** The lines of a file up to `end`, or to the first line that is none; null when there is not a single one. */
function readLines(text: Buffer, from: number): { content: Buffer; end: number } | null {
  // Short of a fourth, the most that can come of it; one buffer, because lines may be millions.
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

/** The first character is the number of bytes, each four others are three of them. Null when it is no such line. */
function decodeLine(line: Buffer): Buffer | null {
  if (line.length === 0) return null;
  const count = (line[0]! - SPACE) & 63;
  if (line[0]! < SPACE || line[0]! > BACKTICK) return null;
  const needed = Math.ceil(count / 3) * 4;
  // Blanks at the end may be lost on the way, and some programs add a check character.
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

/** Characters at the end of a line that may have been blanks. */
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
