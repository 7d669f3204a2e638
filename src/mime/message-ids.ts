import type { MailAddress } from '../domain/imap-types.ts';
import { isMessageId } from '../domain/message-id.ts';

/** Enough for any conversation of people. A longer list keeps its first id and its end. */
const MAX_REFERENCES = 100;

/** Returns the Message-ID of a header field, in angle brackets, which some senders omit. */
export function ownMessageId(value: string): string | null {
  const decoded = decodeWords(value);
  const [first] = bracketed(decoded);
  if (first) return first.id;
  const bare = decoded.replace(/[<>\s]+/g, '');
  return bare ? `<${bare}>` : null;
}

/** The header fields of a message that refer to earlier ones. */
export interface ReferringFields {
  readonly references: string;
  readonly inReplyTo: string;
  /** The message's own id, which is no reference. */
  readonly own: string | null;
  /** All people in the header: their addresses are no Message-IDs. */
  readonly people: readonly (readonly MailAddress[])[];
}

/**
 * Returns the Message-IDs that a message replies to, oldest first: those of References, then those of In-Reply-To
 * (RFC 5322, 3.6.4). In older mail, In-Reply-To contains prose, with addresses in angle brackets. If References has
 * ids, such prose is ignored.
 */
export function referencedIds({ references, inReplyTo, own, people }: ReferringFields): string[] {
  if (!references && !inReplyTo) return [];
  const isOfSomebody = (id: string): boolean => {
    const address = id.slice(1, -1).toLowerCase();
    return people.some((list) => list.some((person) => person.address?.toLowerCase() === address));
  };
  const ancestors = readIds(references, isOfSomebody);
  const parent = readIds(inReplyTo, isOfSomebody);
  const ids = new Set(ancestors.ids);
  if (ids.size === 0 || !parent.isProse) for (const id of parent.ids) ids.add(id);
  if (own !== null) ids.delete(own);
  const list = [...ids];
  return list.length > MAX_REFERENCES ? [list[0]!, ...list.slice(1 - MAX_REFERENCES)] : list;
}

interface Bracketed {
  readonly id: string;
  /** The end of the text between it and the brackets before it. */
  readonly before: string;
}

/** Enough for a name and the word that introduces it. */
const BEFORE = 200;
/** An id in angle brackets, a comment, a quoted string. Each alternative ends at its first delimiter: linear time. */
const TOKEN = /<[^<>]*>|\([^()]*\)|"[^"]*"/g;
const ANYTHING_IN_BRACKETS = /<[^<>]*>/g;
/** An id whose brackets are missing or truncated. */
const BARE = /^<?([^\s<>@:]+@[^\s<>@]+)>?$/;
/** An id such as `ann.lee7@example.org`. Message-IDs have digits elsewhere, or more of them. */
const LIKE_AN_ADDRESS = /^<[a-z]+(?:[._+-][a-z]+)*\d{0,4}@[^@.]+\.[^@]+>$/i;
/** Words before a person's name and address in the prose of mail programs. */
const BY_SOMEBODY = /\b(?:from|by|to|von|de|van|fra|av)\b[^<>]*$/i;

function readIds(value: string, isOfSomebody: (id: string) => boolean): { ids: string[]; isProse: boolean } {
  if (!value) return { ids: [], isProse: false };
  const decoded = decodeWords(value);
  const words = decoded
    .replace(TOKEN, ' ')
    .split(/[\s,;]+/)
    .filter((word) => /[\p{L}\p{N}]/u.test(word));
  const isProse = !words.every((word) => BARE.test(word));
  const bare = isProse ? [] : words.map((word) => `<${BARE.exec(word)![1]}>`);
  const outside = bracketed(decoded);
  // Ids in comments and quotes only count if no others exist.
  const inBrackets =
    outside.length + bare.length > 0 ? outside : bracketed(decoded.replaceAll(/[()"]/g, ' '), ANYTHING_IN_BRACKETS);
  const usable = inBrackets.filter(({ id }) => isMessageId(id) && !isOfSomebody(id));
  const named = isProse ? withoutAddresses(usable) : usable;
  return {
    ids: [
      ...named.map(({ id }) => id),
      ...bare.filter((id) => isMessageId(id) && !isOfSomebody(id) && !LIKE_AN_ADDRESS.test(id)),
    ],
    isProse,
  };
}

function withoutAddresses(candidates: readonly Bracketed[]): readonly Bracketed[] {
  const ids = candidates.filter(({ id }) => !LIKE_AN_ADDRESS.test(id));
  const others = ids.filter(({ before }) => !BY_SOMEBODY.test(before));
  return others.length > 0 ? others : ids;
}

/** Returns what is in angle brackets and may be an id. Folding may have put white space into an id; prose is no id. */
function bracketed(value: string, token = TOKEN): Bracketed[] {
  const found: Bracketed[] = [];
  let end = 0;
  for (const { 0: written, index } of value.matchAll(token)) {
    if (!written.startsWith('<')) continue;
    const id = written.replace(/\s+/g, '');
    if (id.length > 2 && (id === written || id.includes('@'))) {
      found.push({ id, before: value.slice(Math.max(end, index - BEFORE), index) });
    }
    end = index + written.length;
  }
  return found;
}

/**
 * Decodes encoded words (RFC 2047). They are not allowed here, but some gateways fold long ids with them. Ids are
 * ASCII.
 */
function decodeWords(value: string): string {
  if (!value.includes('=?')) return value;
  return value
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?[^?\s]*\?([bq])\?([^?\s]*)\?=/gi, (_, encoding: string, text: string) =>
      encoding.toLowerCase() === 'b'
        ? Buffer.from(text, 'base64').toString('latin1')
        : text
            .replaceAll('_', ' ')
            .replace(/=([\da-f]{2})/gi, (_byte, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    );
}
