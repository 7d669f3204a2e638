import { isAscii, isUtf8 } from 'node:buffer';
import { decodeText } from './decode-text.ts';
import { repairEncodedWords } from './encoded-words.ts';

/** Of several fields with one of these names, the first non-empty one counts. */
const SINGLE = [
  'subject',
  'from',
  'sender',
  'date',
  'message-id',
  'content-type',
  'content-transfer-encoding',
  'content-disposition',
  'content-id',
  'content-location',
] as const;

/** Lists: several fields are joined. RFC 5322 allows one of each, but some senders repeat them. */
const JOINED = { to: ', ', cc: ', ', bcc: ', ', 'reply-to': ', ', 'in-reply-to': ' ', references: ' ' } as const;

export type FieldName = (typeof SINGLE)[number] | keyof typeof JOINED;

/** Fields whose repeats are kept, because the body may match only the second one. */
const MIME_FIELDS: ReadonlySet<FieldName> = new Set(['content-type', 'content-transfer-encoding']);
/** Most repeats of one field that are kept. */
const MAX_REPEATS = 10;

/** Longest value of all fields of one name, in bytes: some two thousand recipients. */
const MAX_VALUE = 64 * 1024;

/** A field and its continuation lines, which begin with white space (RFC 5322, 2.2.3). */
const FIELD = new RegExp(`^(${[...SINGLE, ...Object.keys(JOINED)].join('|')})[ \\t]*:(.*(?:\\r?\\n[ \\t].*)*)`, 'gim');

export interface HeaderFields {
  /** Unfolded, otherwise as written: encoded words are still encoded. */
  readonly values: ReadonlyMap<FieldName, string>;
  /** Further values of fields that should occur once, in their order. */
  readonly repeats: ReadonlyMap<FieldName, readonly string[]>;
  /** Offset of the body. */
  readonly end: number;
  /** A value was truncated. */
  readonly cut: boolean;
}

/**
 * Reads the header fields that Mailtide uses, in linear time, from any input: header blocks of megabytes, lines that
 * are no fields, no body at all.
 * @param letterCharset charset of raw 8-bit text if the header itself declares none
 */
export function readHeaderFields(source: Buffer, letterCharset: string | null = null): HeaderFields {
  const end = endOfHeader(source);
  const values = new Map<FieldName, string>();
  const repeats = new Map<FieldName, string[]>();
  let cut = false;
  // Latin-1 maps every byte to the character of the same number.
  for (const [, written, raw] of source.toString('latin1', 0, end).matchAll(FIELD)) {
    const name = written!.toLowerCase() as FieldName;
    const separator = name in JOINED ? JOINED[name as keyof typeof JOINED] : null;
    const before = values.get(name);
    const isRepeated = before !== undefined && separator === null;
    if (isRepeated && !MIME_FIELDS.has(name)) continue;
    const room = MAX_VALUE - (isRepeated ? 0 : (before?.length ?? 0));
    cut ||= raw!.length > room;
    const value = raw!
      .slice(0, room)
      .replace(/\r?\n[ \t]*/g, ' ')
      .trim();
    if (isRepeated) addRepeat(repeats, name, value);
    else if (value) values.set(name, before === undefined ? value : before + separator + value);
  }
  const charset = CHARSET.exec(values.get('content-type') ?? '')?.[1] ?? letterCharset;
  for (const [name, value] of values) values.set(name, readable(name, value, charset));
  for (const [name, list] of repeats)
    repeats.set(
      name,
      list.map((value) => readable(name, value, charset)),
    );
  return { values, repeats, end, cut };
}

function addRepeat(repeats: Map<FieldName, string[]>, name: FieldName, value: string): void {
  const list = repeats.get(name) ?? [];
  if (list.length === 0) repeats.set(name, list);
  if (value && list.length < MAX_REPEATS) list.push(value);
}

const CHARSET = /;\s*charset\s*=\s*"?([^\s";]+)/i;
/** Fields with text written by people. */
const WRITTEN: ReadonlySet<FieldName> = new Set(['subject', 'from', 'sender', 'to', 'cc', 'bcc', 'reply-to']);

/** Decodes raw 8-bit text as UTF-8 (RFC 6532), else in the charset of the body, else as {@link decodeText} does. */
function readable(name: FieldName, latin1: string, charset: string | null): string {
  const isWritten = WRITTEN.has(name);
  if (!/[\u0080-\u00ff]/.test(latin1) && !(isWritten && latin1.includes('\x1b$'))) {
    return isWritten ? repairEncodedWords(latin1) : latin1;
  }
  const bytes = Buffer.from(latin1, 'latin1');
  const text = isUtf8(bytes) && !isAscii(bytes) ? bytes.toString() : decodeText(bytes, charset, { html: false });
  return isWritten ? repairEncodedWords(text) : text;
}

/** Returns the offset after the first empty line. */
function endOfHeader(source: Buffer): number {
  if (source[0] === LF) return 1;
  if (source[0] === CR && source[1] === LF) return 2;
  const crlf = source.indexOf('\n\r\n');
  const before = crlf < 0 ? source : source.subarray(0, crlf);
  const lf = before.indexOf('\n\n');
  if (lf >= 0) return lf + 2;
  return crlf < 0 ? source.length : crlf + 3;
}

const LF = 0x0a;
const CR = 0x0d;
