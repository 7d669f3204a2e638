import { excerpt, marked, type TextSegment } from './highlight.ts';
import { searchedTerms } from './search-words.ts';

/** The parts of a message that are searched for highlights. */
export interface HighlightedMessage {
  readonly subject: string;
  /** The name of its sender, or else the address. */
  readonly from: string;
  readonly snippet: string;
  /** At most {@link EXCERPT_WITHIN} characters of it are searched. */
  readonly text: string;
}

export interface Highlights {
  readonly subject: TextSegment[];
  readonly from: TextSegment[];
  readonly excerpt: TextSegment[];
}

/** How much of a text is searched for an excerpt, in UTF-16 units: a user waits for a whole list of excerpts. */
export const EXCERPT_WITHIN = 20_000;
/** Most terms that are marked: more are of no use to a reader. */
const MAX_TERMS = 20;

/**
 * Returns the highlights of messages for a typed search. The time is linear in their texts. It runs in a worker thread,
 * because strangers write the texts.
 */
export function highlightsOf(messages: readonly HighlightedMessage[], search: string): Highlights[] {
  const terms = searchedTerms(search).slice(0, MAX_TERMS);
  return messages.map(({ subject, from, snippet, text }) => ({
    subject: marked(subject, terms),
    from: marked(from, terms),
    excerpt: excerpt(text.slice(0, EXCERPT_WITHIN), terms) ?? marked(snippet, terms),
  }));
}
