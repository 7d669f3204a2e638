import type { MailAddress } from './imap-types.ts';

/**
 * Words of the full-text search, in documents and in queries by the same rule.
 *
 * A word is a run of letters, digits and marks, in lower case and in Unicode's compatibility form (NFKC: composed
 * letters, full-width letters as ordinary ones). In scripts without blanks between words, every two consecutive
 * characters are a word, and so is the last character of a run. So any sequence of characters is found as a phrase,
 * without a dictionary.
 *
 * PostgreSQL's text search parser takes quadratic time for hostile input: docs/decisions/0016-own-words.md.
 */
const WORD = /[\p{L}\p{N}\p{M}]+/gu;
/** Longest word, in UTF-16 units. A longer run is truncated: the beginning of a key or a hash distinguishes it. */
export const MAX_WORD = 64;

const UNSPACED =
  '\\p{scx=Han}\\p{scx=Hiragana}\\p{scx=Katakana}\\p{scx=Thai}\\p{scx=Lao}\\p{scx=Khmer}\\p{scx=Myanmar}';
/** The parts of a word in scripts with and without blanks. */
const PART = new RegExp(`[${UNSPACED}]+|[^${UNSPACED}]+`, 'gu');
const UNSPACED_CHARACTER = new RegExp(`^[${UNSPACED}]`, 'u');
const SINGLE_UNSPACED = new RegExp(`^[${UNSPACED}]$`, 'u');

/** Returns a text in the form in which its words are compared, except for the case. */
export const normalForm = (text: string): string => (BEYOND_ASCII.test(text) ? text.normalize('NFKC') : text);

/** Most mail is ASCII, which is already normalised. */
const BEYOND_ASCII = /[\u0080-\uffff]/;

/** The searchable parts of a message. */
export interface SearchableMessage {
  readonly subject: string | null;
  readonly from: readonly MailAddress[];
  readonly to: readonly MailAddress[];
  readonly cc: readonly MailAddress[];
  readonly bcc: readonly MailAddress[];
  readonly attachments: readonly { readonly filename: string | null }[];
  readonly text: string;
  /** Words of attached messages and invitations. */
  readonly attachedText?: string;
}

export const BETWEEN_WORDS = 1;
export const IN_WORDS = 2;
/** A character of a script without blanks between words. */
export const IN_UNSPACED = 3;

/** Returns the kind of a code point. */
export function characterKind(point: number): number {
  let kind = kinds[point]!;
  if (!kind) {
    kind = kindOf(String.fromCodePoint(point));
    kinds[point] = kind;
  }
  return kind;
}

function kindOf(character: string): number {
  if (!WORD_CHARACTER.test(character)) return BETWEEN_WORDS;
  return UNSPACED_CHARACTER.test(character) ? IN_UNSPACED : IN_WORDS;
}

const WORD_CHARACTER = /^[\p{L}\p{N}\p{M}]$/u;
/** By code point; 0 is unknown. */
const kinds = new Uint8Array(0x110000);

/**
 * Returns a typed search as the text form of a `tsquery`, or null if it contains no word. All words must occur; "a
 * phrase", `or` between two, and `-` for exclusion are supported. If nothing follows the last word, it may be the
 * beginning of one, so that a user who is still typing already gets results.
 */
export function searchQuery(typed: string): string | null {
  const alternatives = alternativesOf(typed).map((terms) => terms.map(termQuery).join(' & '));
  return alternatives.length > 0 ? alternatives.map((terms) => `(${terms})`).join(' | ') : null;
}

/** Consecutive words, written without blanks or in quotes, that are searched as a phrase. */
export interface SearchTerm {
  readonly words: readonly string[];
  readonly isExcluded: boolean;
  /** Its last word may be the beginning of a longer one. */
  readonly isOpen: boolean;
}

/** Returns the terms to highlight in a result: those that are not excluded. */
export const searchedTerms = (typed: string): SearchTerm[] =>
  alternativesOf(typed)
    .flat()
    .filter(({ isExcluded }) => !isExcluded);

interface TypedTerm extends SearchTerm {
  /**
   * Its words by the rule before PARSER_VERSION 1 (whole runs, as written), or null if it has none. Messages stored
   * under that rule are found by them until they are parsed again.
   */
  readonly earlier: string | null;
}

function alternativesOf(typed: string): TypedTerm[][] {
  const query = typed.slice(0, MAX_QUERY);
  const alternatives: TypedTerm[][] = [];
  let all: TypedTerm[] = [];
  for (const { 0: token, 1: minus, 2: phrase, index } of query.matchAll(TOKEN)) {
    if (token.toLowerCase() === 'or' && all.length > 0) {
      alternatives.push(all);
      all = [];
      continue;
    }
    const written = phrase ?? token;
    const { words, isPart } = typedWords(written);
    if (words.length === 0) continue;
    const isExcluded = minus !== undefined;
    const isLast = index + token.length === query.length;
    // An incomplete exclusion would remove too many results.
    const isTyping = isLast && !isExcluded && ENDS_IN_WORD.test(token);
    all.push({ words, isExcluded, isOpen: isTyping || isPart, earlier: earlierPhrase(written, isTyping) });
  }
  if (all.length > 0) alternatives.push(all);
  return alternatives;
}

function termQuery({ words, isExcluded, isOpen, earlier }: TypedTerm): string {
  const phrase = phraseOf(words, isOpen);
  return `${isExcluded ? '!' : ''}(${earlier === null || earlier === phrase ? phrase : `${phrase} | ${earlier}`})`;
}

const phraseOf = (words: readonly string[], isOpen: boolean): string => `${words.join(' <-> ')}${isOpen ? ':*' : ''}`;

function earlierPhrase(written: string, isOpen: boolean): string | null {
  const words = written.toLowerCase().match(WORD) ?? [];
  return words.length > 0 && words.every((word) => word.length <= MAX_WORD) ? phraseOf(words, isOpen) : null;
}

/** Returns the words to search, and whether the last one is a single character, with which a stored word may begin. */
function typedWords(written: string): { words: string[]; isPart: boolean } {
  const found = [...wordsIn(written)];
  const last = found.at(-1);
  // The last character of a typed run need not end a run in the text.
  if (last && found.at(-2)?.end === last.end) found.pop();
  const words = found.map(({ word }) => word);
  const end = words.at(-1) ?? '';
  return { words, isPart: SINGLE_UNSPACED.test(end) };
}

/** Longest search, in UTF-16 units. The rest is ignored. */
const MAX_QUERY = 1000;
/** "a phrase", or anything up to white space, with an optional minus. */
const TOKEN = /(-)?(?:"([^"]*)"?|\S+)/g;
const ENDS_IN_WORD = /[\p{L}\p{N}\p{M}]$/u;

interface PlacedWord {
  readonly word: string;
  readonly start: number;
  readonly end: number;
}

/** Yields the words of a text and their positions, in UTF-16 units. */
export function* wordsIn(text: string): Generator<PlacedWord> {
  // By pieces, because normalisation joins nothing across white space, and some callers need the first words only.
  for (const { 0: piece, index } of text.matchAll(/\S+/g)) {
    const { normal, starts, ends } = placed(piece);
    for (const { 0: run, index: runAt } of normal.matchAll(WORD)) {
      for (const { word, start, end } of partsOf(run)) {
        const from = runAt + start;
        const to = runAt + end;
        yield { word, start: index + (starts?.[from] ?? from), end: index + (ends?.[to - 1] ?? to) };
      }
    }
  }
}

/** Yields the words of a run of word characters. */
function* partsOf(run: string): Generator<PlacedWord> {
  for (const { 0: part, index } of run.matchAll(PART)) {
    if (!UNSPACED_CHARACTER.test(part)) {
      yield { word: cutWord(part.toLowerCase()), start: index, end: index + part.length };
      continue;
    }
    let start = index;
    let first = '';
    for (const character of part) {
      if (first) {
        yield { word: first + character, start, end: start + first.length + character.length };
        start += first.length;
      }
      first = character;
    }
    yield { word: first, start, end: start + first.length };
  }
}

/** Returns the first {@link MAX_WORD} units of a word, without half a character at the end. */
const cutWord = (word: string): string =>
  word.length > MAX_WORD ? word.slice(0, MAX_WORD).replace(/[\ud800-\udbff]$/, '') : word;

/**
 * Normalises a piece. For each unit of the normal form, `starts` and `ends` give the original character; they are
 * absent if the piece is unchanged.
 */
function placed(piece: string): { normal: string; starts?: number[]; ends?: number[] } {
  const whole = normalForm(piece);
  if (whole === piece) return { normal: piece };
  let normal = '';
  const starts: number[] = [];
  const ends: number[] = [];
  for (const { 0: character, index } of piece.matchAll(COMPOSED)) {
    const form = character.normalize('NFKC');
    normal += form;
    for (let unit = 0; unit < form.length; unit++) {
      starts.push(index);
      ends.push(index + character.length);
    }
  }
  return { normal, starts, ends };
}

/**
 * A character and those that normalisation may join to it: marks, half-width voicing marks, Hangul vowels and finals.
 */
const COMPOSED = /.[\p{M}\uff9e\uff9f\u1160-\u11ff]*/gsu;
