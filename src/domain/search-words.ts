import type { MailAddress } from './words.ts';

/**
 * Full text: which words a message is found by, and what a person's search asks for. Our own words, not those of
 * PostgreSQL's text search parser, whose time grows with the square of hostile input (20 kB of "a_a_a_" cost it eight
 * seconds, in which nobody else got an answer from the embedded database), and which in the embedded database takes
 * five times as long as all other writing. A word is a run of letters, digits and marks, whatever the language, lower
 * case; documents and queries are read by the same rule.
 */
const WORD = /[\p{L}\p{N}\p{M}]+/gu;
/** Longer runs are keys, hashes and encoded data, which nobody types. In UTF-16 units. */
export const MAX_WORD = 64;

/** What a search for a message looks at. */
export interface SearchableMessage {
  readonly subject: string | null;
  readonly from: readonly MailAddress[];
  readonly to: readonly MailAddress[];
  readonly cc: readonly MailAddress[];
  readonly bcc: readonly MailAddress[];
  readonly attachments: readonly { readonly filename: string | null }[];
  readonly text: string;
}

/** Whether words consist of this code point. */
export function isWordCharacter(point: number): boolean {
  let known = wordCharacters[point];
  if (!known) {
    known = WORD_CHARACTER.test(String.fromCodePoint(point)) ? IN_WORDS : BETWEEN_WORDS;
    wordCharacters[point] = known;
  }
  return known === IN_WORDS;
}

const WORD_CHARACTER = /^[\p{L}\p{N}\p{M}]$/u;
const IN_WORDS = 1;
const BETWEEN_WORDS = 2;
/** By code point; 0 is not known yet. */
const wordCharacters = new Uint8Array(0x110000);

/**
 * What a person typed as the text form of a `tsquery`: words that all must occur, "a phrase", `or` between two, `-` in
 * front of what must not occur. Null when it holds no word.
 */
export function searchQuery(typed: string): string | null {
  const alternatives: string[] = [];
  let all: string[] = [];
  for (const [token, minus, phrase] of typed.slice(0, MAX_QUERY).matchAll(TOKEN)) {
    if (token.toLowerCase() === 'or' && all.length > 0) {
      alternatives.push(all.join(' & '));
      all = [];
      continue;
    }
    // What is written together ("ann.lee@example.com", "well-known") is looked for together.
    const words = wordsOf(phrase ?? token);
    if (words.length > 0) all.push(`${minus ? '!' : ''}(${words.join(' <-> ')})`);
  }
  if (all.length > 0) alternatives.push(all.join(' & '));
  return alternatives.length > 0 ? alternatives.map((words) => `(${words})`).join(' | ') : null;
}

/** Longest search that is read, in UTF-16 units. */
const MAX_QUERY = 1000;
/** "a phrase", or anything up to white space; a minus in front. */
const TOKEN = /(-)?(?:"([^"]*)"?|\S+)/g;

function wordsOf(text: string): string[] {
  return (text.toLowerCase().match(WORD) ?? []).filter((word) => word.length <= MAX_WORD);
}
