import type { MailboxStatus } from '../domain/imap-types.ts';
import { countOf, modseqOf, uidOf, uidValidityOf } from './field-values.ts';

/**
 * One untagged response: its bytes as characters (latin1), truncated above {@link MAX_LINE}, and the literals that its
 * `{n}` stand for, in order.
 */
export interface RawLine {
  readonly text: string;
  readonly literals: readonly Buffer[];
}

export interface ListLine {
  /** In lower case. */
  readonly attributes: ReadonlySet<string>;
  readonly delimiter: string | null;
  /** The name's bytes as characters. */
  readonly rawName: string;
}

/** Longest name in bytes. Longer lines are not parsed. */
const MAX_NAME = 4096;
export const MAX_LINE = 16 * 1024;
/** RFC 3501, RFC 5258 and RFC 6154 define two dozen in all. */
const MAX_ATTRIBUTES = 50;

const LIST = /^\* +LIST +\(([^()]*)\) +(NIL|""|"\\?."|[^\s"]) +/is;
const STATUS = /^\* +STATUS +/i;

/**
 * Parses `* LIST (attributes) delimiter name`, even if the name violates the grammar (RFC 9051, 9, mailbox-list): an
 * atom with any character, or a quoted string with unescaped quotes.
 * @returns null if no name can be recognised
 */
export function readListLine({ text, literals }: RawLine): ListLine | null {
  if (text.length > MAX_LINE) return null;
  const head = LIST.exec(text);
  if (!head) return null;
  const [whole, attributes = '', delimiter = ''] = head;
  const rawName = readName(text.slice(whole.length), literals);
  if (rawName === null || rawName.length > MAX_NAME) return null;
  return {
    attributes: new Set(attributes.toLowerCase().split(/\s+/, MAX_ATTRIBUTES).filter(Boolean)),
    // A control character is no delimiter; the database could not hold NUL.
    delimiter: /^(NIL|"")$|\p{Cc}/iu.test(delimiter) ? null : delimiter.replace(/^"\\?(.)"$/s, '$1'),
    rawName,
  };
}

/** Parses `* STATUS name (items)`; returns null for any other line. Items that are no number are unknown. */
export function readStatusLine({ text, literals }: RawLine): { rawName: string; status: MailboxStatus | null } | null {
  const head = text.length > MAX_LINE ? null : STATUS.exec(text);
  if (!head) return null;
  const rest = withoutBlanks(text.slice(head[0].length));
  const from = rest.lastIndexOf('(');
  const rawName = from < 0 || !rest.endsWith(')') ? null : readName(rest.slice(0, from), literals);
  if (rawName === null || rawName.length > MAX_NAME) return null;
  const words = rest
    .slice(from + 1, -1)
    .toUpperCase()
    .split(' ')
    .filter(Boolean);
  const item = (name: string) => words[words.indexOf(name) + 1 || words.length];
  const messages = countOf(numberOf(item('MESSAGES')));
  if (messages === null) return { rawName, status: null };
  const status = {
    messages,
    unseen: countOf(numberOf(item('UNSEEN'))),
    uidNext: uidOf(numberOf(item('UIDNEXT'))),
    uidValidity: uidValidityOf(bigintOf(item('UIDVALIDITY'))),
    highestModseq: modseqOf(bigintOf(item('HIGHESTMODSEQ'))),
  };
  return { rawName, status };
}

/** Returns the prefixes of a NAMESPACE response (RFC 2342), of all three kinds, in order, each byte one character. */
export function readNamespaces({ text }: RawLine): string[] {
  if (text.length > MAX_LINE) return [];
  const pairs = text.matchAll(/\( *"((?:[^"\\]|\\.)*)" +(?:NIL|"(?:[^"\\]|\\.)*")/gi);
  return [...pairs].map(([, prefix = '']) => unescaped(prefix));
}

function readName(text: string, literals: readonly Buffer[]): string | null {
  const rest = withoutBlanks(text);
  const [literal] = literals;
  if (/^~?\{\d+\+?\}/.test(rest) && literal) return literal.toString('latin1') || null;
  const quoted = /^"((?:[^"\\]|\\["\\])*)"/.exec(rest);
  if (quoted && isExtended(rest.slice(quoted[0].length))) return unescaped(quoted[1]!) || null;
  // With unescaped quotes or backslashes, the name is all that is between the first and the last quote.
  if (rest.startsWith('"')) return rest.length > 2 && rest.endsWith('"') ? rest.slice(1, -1) : null;
  const end = rest.indexOf(' ("');
  return (end > 0 && isExtended(rest.slice(end)) ? rest.slice(0, end) : rest) || null;
}

/**
 * Returns whether the text may follow a name: nothing, or extended data, `("CHILDINFO" ("SUBSCRIBED"))` (RFC 5258,
 * 3.5).
 */
const isExtended = (text: string): boolean => text === '' || (/^ +\(/.test(text) && text.endsWith(')'));

/** Removes trailing spaces, but not U+00A0: in latin1 it may be the last byte of a UTF-8 character. */
function withoutBlanks(text: string): string {
  let end = text.length;
  while (text[end - 1] === ' ') end -= 1;
  return text.slice(0, end);
}

const unescaped = (quoted: string): string => quoted.replace(/\\(.)/gs, '$1');

/** Returns undefined for anything but digits. */
const bigintOf = (digits = ''): bigint | undefined => (/^\d{1,40}$/.test(digits) ? BigInt(digits) : undefined);

function numberOf(digits: string | undefined): number | undefined {
  const value = bigintOf(digits);
  return value === undefined ? undefined : Number(value);
}
