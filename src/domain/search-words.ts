import type { MailAddress } from './imap-types.ts';

/**
 * Full text: which words a message is found by, and what a person's search asks for. Our own words, not those of
 * PostgreSQL's text search parser, whose time grows with the square of hostile input (20 kB of "a_a_a_" cost it eight
 * seconds, in which nobody else got an answer from the embedded database), and which in the embedded database takes
 * five times as long as all other writing. A word is a run of letters, digits and marks, lower case, in Unicode's
 * compatibility form (NFKC: composed letters, full-width letters as ordinary ones). In scripts that put no blanks between
 * words it is each two characters that follow each other, and the last one of a run alone, so that every sequence of
 * characters is found as a phrase, without a dictionary. Documents and queries are read by the same rule.
 */
const WORD = /[\p{L}\p{N}\p{M}]+/gu;
/** Of a longer run the beginning counts, in UTF-16 units: the rest of a key or a hash tells nothing more apart. */
export const MAX_WORD = 64;

const UNSPACED =
  '\\p{scx=Han}\\p{scx=Hiragana}\\p{scx=Katakana}\\p{scx=Thai}\\p{scx=Lao}\\p{scx=Khmer}\\p{scx=Myanmar}';
/** The parts of a word in scripts with and without blanks. */
const PART = new RegExp(`[${UNSPACED}]+|[^${UNSPACED}]+`, 'gu');
const UNSPACED_CHARACTER = new RegExp(`^[${UNSPACED}]`, 'u');
const SINGLE_UNSPACED = new RegExp(`^[${UNSPACED}]$`, 'u');

/** Text in the form in which its words are compared, but for the case. */
export const normalForm = (text: string): string => (BEYOND_ASCII.test(text) ? text.normalize('NFKC') : text);

/** Most mail is ASCII, which is in every normal form. */
const BEYOND_ASCII = /[\u0080-\uffff]/;

/** What a search for a message looks at. */
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
/** A character of a script that puts no blanks between words. */
export const IN_UNSPACED = 3;

/** What a code point is for words. */
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
/** By code point; 0 is not known yet. */
const kinds = new Uint8Array(0x110000);

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

interface TypedTerm extends SearchTerm {
  /**
   * Its words by the rule before PARSER_VERSION 1 (whole runs, as written), null where that knew none: what was stored
   * under it is found by it until it is parsed again.
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
    // Of what must not occur nobody wants to see less while it is typed.
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

/** The words to look for, and whether the last one is a single character that a stored one may go on behind. */
function typedWords(written: string): { words: string[]; isPart: boolean } {
  const found = [...wordsIn(written)];
  const last = found.at(-1);
  // The character that ends a run need not end it in the text.
  if (last && found.at(-2)?.end === last.end) found.pop();
  const words = found.map(({ word }) => word);
  const end = words.at(-1) ?? '';
  return { words, isPart: SINGLE_UNSPACED.test(end) };
}

/** Longest search that is read, in UTF-16 units. */
const MAX_QUERY = 1000;
/** "a phrase", or anything up to white space; a minus in front. */
const TOKEN = /(-)?(?:"([^"]*)"?|\S+)/g;
const ENDS_IN_WORD = /[\p{L}\p{N}\p{M}]$/u;

interface PlacedWord {
  readonly word: string;
  readonly start: number;
  readonly end: number;
}

/** Where words are, in UTF-16 units, by the rule that documents and queries are read by. */
export function* wordsIn(text: string): Generator<PlacedWord> {
  // No normal form joins what white space parts, and who wants the first words only, pays for no more.
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

/** The words of a run of word characters. */
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

/** Its first {@link MAX_WORD} units, without half a character at the end. */
const cutWord = (word: string): string =>
  word.length > MAX_WORD ? word.slice(0, MAX_WORD).replace(/[\ud800-\udbff]$/, '') : word;

/** Of each unit of the normal form where the character begins and ends that it comes from; nothing where all is as it was. */
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

/** A character with what a normal form may join to it: marks, half-width voicing marks, vowels and finals of Hangul. */
const COMPOSED = /.[\p{M}\uff9e\uff9f\u1160-\u11ff]*/gsu;
