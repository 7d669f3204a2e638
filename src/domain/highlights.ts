import { excerpt, marked, type TextSegment } from './highlight.ts';
import { searchedTerms } from './search-words.ts';

/** What of a message is looked through for its highlights. */
export interface HighlightedMessage {
  readonly subject: string;
  /** The name of its sender, else the address. */
  readonly from: string;
  readonly snippet: string;
  /** At most {@link EXCERPT_WITHIN} characters are looked through. */
  readonly text: string;
}

export interface Highlights {
  readonly subject: TextSegment[];
  readonly from: TextSegment[];
  readonly excerpt: TextSegment[];
}

/** How much of a text is looked through for an excerpt, in UTF-16 units: somebody is waiting for a list of them. */
export const EXCERPT_WITHIN = 20_000;
/** Nobody reads the marks of more. */
const MAX_TERMS = 20;

/** Where messages have what was typed as a search. Linear in their texts; for a thread, because it is strangers' text. */
export function highlightsOf(messages: readonly HighlightedMessage[], search: string): Highlights[] {
  const terms = searchedTerms(search).slice(0, MAX_TERMS);
  return messages.map(({ subject, from, snippet, text }) => ({
    subject: marked(subject, terms),
    from: marked(from, terms),
    excerpt: excerpt(text.slice(0, EXCERPT_WITHIN), terms) ?? marked(snippet, terms),
  }));
}
