import { type SearchTerm, wordsIn } from './search-words.ts';

/** A piece of a text or excerpt, and whether it matches the search. Concatenated, the segments are the text. */
export interface TextSegment {
  readonly text: string;
  readonly isMatch: boolean;
}

/** Length of an excerpt before the first match, and in total, in UTF-16 units. */
const BEFORE = 40;
const LENGTH = 200;

/** Returns the whole text with the matches marked. */
export const marked = (text: string, terms: readonly SearchTerm[]): TextSegment[] =>
  segmentsOf(text, matchesIn(text, terms));

/** Returns the part of a text around the first match; null if it has no match. */
export function excerpt(text: string, terms: readonly SearchTerm[]): TextSegment[] | null {
  const { value: first } = matchesIn(text, terms).next();
  if (!first) return null;
  const start = first.start <= BEFORE ? 0 : wordStart(text, first.start - BEFORE);
  const cut = text
    .slice(start, start + LENGTH * 2)
    .replace(/\s+/g, ' ')
    .slice(0, LENGTH)
    .toWellFormed();
  return marked(`${start > 0 ? '… ' : ''}${cut}`, terms);
}

function wordStart(text: string, from: number): number {
  const space = text.slice(from, from + BEFORE).search(/\s/);
  return space < 0 ? from : from + space + 1;
}

interface Match {
  readonly start: number;
  readonly end: number;
}

/** Yields the matches of the terms, in order. A phrase matches if its words follow each other. */
function* matchesIn(text: string, terms: readonly SearchTerm[]): Generator<Match> {
  const longest = Math.max(0, ...terms.map(({ words }) => words.length));
  if (longest === 0) return;
  let latest: { word: string; start: number; end: number }[] = [];
  let free = 0;
  for (const word of wordsIn(text)) {
    latest = [...latest, word].slice(-longest);
    for (const term of terms) {
      const candidate = latest.slice(-term.words.length);
      if (!isTerm(candidate, term) || candidate[0]!.start < free) continue;
      yield { start: candidate[0]!.start, end: word.end };
      free = word.end;
      break;
    }
  }
}

function isTerm(candidate: readonly { word: string }[], { words, isOpen }: SearchTerm): boolean {
  return (
    candidate.length === words.length &&
    words.every((word, i) => {
      const written = candidate[i]!.word;
      return isOpen && i === words.length - 1 ? written.startsWith(word) : written === word;
    })
  );
}

function segmentsOf(text: string, matches: Iterable<Match>): TextSegment[] {
  const segments: TextSegment[] = [];
  let at = 0;
  for (const { start, end } of matches) {
    if (start > at) segments.push({ text: text.slice(at, start), isMatch: false });
    segments.push({ text: text.slice(start, end), isMatch: true });
    at = end;
  }
  if (at < text.length) segments.push({ text: text.slice(at), isMatch: false });
  return segments;
}
