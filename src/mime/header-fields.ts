import { isUtf8 } from 'node:buffer';

/** Of several fields with one of these names the first that says something counts. */
const SINGLE = [
  'subject',
  'from',
  'date',
  'message-id',
  'content-type',
  'content-transfer-encoding',
  'content-disposition',
  'content-id',
] as const;

/** These are lists: what several fields say is joined. RFC 5322 allows one of each, senders do not. */
const JOINED = { to: ', ', cc: ', ', bcc: ', ', 'reply-to': ', ', 'in-reply-to': ' ', references: ' ' } as const;

export type FieldName = (typeof SINGLE)[number] | keyof typeof JOINED;

/** Longest value that is read of all fields of one name, in bytes: some two thousand recipients. */
const MAX_VALUE = 64 * 1024;
const LONGEST_NAME = 'content-transfer-encoding'.length;

export interface HeaderFields {
  /** Unfolded, otherwise as written: encoded words are still encoded. */
  readonly values: ReadonlyMap<FieldName, string>;
  /** Where the body begins. */
  readonly end: number;
  /** Something was longer than is read. */
  readonly cut: boolean;
}

/**
 * Reads the few header fields that we have a use for, in linear time and bounded memory, from anything: header blocks of
 * megabytes, lines that are no fields, no body at all.
 */
export function readHeaderFields(source: Buffer): HeaderFields {
  const values = new Map<FieldName, string>();
  let cut = false;
  let at = 0;
  while (at < source.length && !isBlankLine(source, at)) {
    const end = endOfField(source, at);
    const name = fieldName(source, at, end);
    if (name) {
      const start = source.indexOf(':', at) + 1;
      const separator = name in JOINED ? JOINED[name as keyof typeof JOINED] : null;
      const before = values.get(name) ?? '';
      if (!before || separator) {
        const room = MAX_VALUE - before.length;
        const value = unfolded(source.subarray(start, Math.min(end, start + room)));
        cut ||= end - start > room;
        if (value) values.set(name, before ? before + separator + value : value);
      }
    }
    at = end;
  }
  return { values, end: isBlankLine(source, at) ? source.indexOf('\n', at) + 1 : source.length, cut };
}

function isBlankLine(source: Buffer, at: number): boolean {
  return source[at] === LF || (source[at] === CR && source[at + 1] === LF);
}

/** A field goes on in lines that begin with white space (RFC 5322, 2.2.3). */
function endOfField(source: Buffer, at: number): number {
  let end = at;
  do {
    end = source.indexOf(LF, end) + 1;
    if (end === 0) return source.length;
  } while (source[end] === SPACE || source[end] === TAB);
  return end;
}

function fieldName(source: Buffer, at: number, end: number): FieldName | null {
  const line = source.toString('latin1', at, Math.min(end, at + LONGEST_NAME + 2));
  const colon = line.indexOf(':');
  if (colon < 0) return null;
  const name = line.slice(0, colon).trimEnd().toLowerCase() as FieldName;
  return NAMES.has(name) ? name : null;
}

/** Raw 8-bit text is UTF-8 (RFC 6532) or, where it cannot be, nearly always of western Europe. */
function unfolded(bytes: Buffer): string {
  const text = isUtf8(bytes) ? bytes.toString() : bytes.toString('latin1');
  return text.replace(/\r?\n[ \t]*/g, ' ').trim();
}

const NAMES: ReadonlySet<string> = new Set([...SINGLE, ...Object.keys(JOINED)]);
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;
