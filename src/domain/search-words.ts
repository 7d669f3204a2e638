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
 * front of what must not occur. The last word may be the beginning of one, as long as nothing follows it, because who
 * is still typing wants to see something already. Null when it holds no word.
 */
export function searchQuery(typed: string): string | null {
  const alternatives = alternativesOf(typed).map((terms) => terms.map(termQuery).join(' & '));
  return alternatives.length > 0 ? alternatives.map((terms) => `(${terms})`).join(' | ') : null;
}

/** Words one after the other: what is written together, or in quotes, is looked for together. */
export interface SearchTerm {
  readonly words: readonly string[];
  readonly isExcluded: boolean;
  /** Its last word may go on. */
  readonly isOpen: boolean;
}

/** What a message that was found may have in it: the terms that are not excluded. */
export const searchedTerms = (typed: string): SearchTerm[] =>
  alternativesOf(typed)
    .flat()
    .filter(({ isExcluded }) => !isExcluded);

function alternativesOf(typed: string): SearchTerm[][] {
  const query = typed.slice(0, MAX_QUERY);
  const alternatives: SearchTerm[][] = [];
  let all: SearchTerm[] = [];
  for (const { 0: token, 1: minus, 2: phrase, index } of query.matchAll(TOKEN)) {
    if (token.toLowerCase() === 'or' && all.length > 0) {
      alternatives.push(all);
      all = [];
      continue;
    }
    const words = wordsOf(phrase ?? token);
    const isLast = index + token.length === query.length;
    if (words.length > 0)
      all.push({ words, isExcluded: minus !== undefined, isOpen: isLast && ENDS_IN_WORD.test(token) });
  }
  if (all.length > 0) alternatives.push(all);
  return alternatives;
}

function termQuery({ words, isExcluded, isOpen }: SearchTerm): string {
  // Of what must not occur nobody wants to see less while it is typed.
  return `${isExcluded ? '!' : ''}(${words.join(' <-> ')}${isOpen && !isExcluded ? ':*' : ''})`;
}

/** Longest search that is read, in UTF-16 units. */
const MAX_QUERY = 1000;
/** "a phrase", or anything up to white space; a minus in front. */
const TOKEN = /(-)?(?:"([^"]*)"?|\S+)/g;
const ENDS_IN_WORD = /[\p{L}\p{N}\p{M}]$/u;

/** Where words are, in UTF-16 units, by the rule that documents and queries are read by. */
export function* wordsIn(text: string): Generator<{ word: string; start: number; end: number }> {
  for (const { 0: written, index } of text.matchAll(WORD)) {
    yield { word: written.toLowerCase(), start: index, end: index + written.length };
  }
}

function wordsOf(text: string): string[] {
  return (text.toLowerCase().match(WORD) ?? []).filter((word) => word.length <= MAX_WORD);
}
