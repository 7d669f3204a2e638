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
const MAX_WORD = 64;
/** Text beyond this is not indexed, in UTF-16 units: a tsvector ends at 1 MB. */
const MAX_TEXT = 200_000;
/** PostgreSQL's own limits: positions end at 16383, and a word keeps 255 of them. */
const MAX_POSITION = 16_383;
const MAX_POSITIONS_OF_WORD = 255;

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

/** A message as the text form of a `tsvector`: its words with their positions. */
export function searchVector(message: SearchableMessage): string {
  const people = [message.from, message.to, message.cc, message.bcc].flat();
  const parts = [
    message.subject,
    ...people.flatMap(({ name, address }) => [name, address]),
    ...message.attachments.map(({ filename }) => filename),
    message.text,
  ];
  const positions = new Map<string, number[]>();
  let position = 0;
  for (const word of wordsOf(parts.filter(Boolean).join('\n').slice(0, MAX_TEXT))) {
    if (position < MAX_POSITION) position++;
    const known = positions.get(word);
    if (!known) positions.set(word, [position]);
    else if (known.length < MAX_POSITIONS_OF_WORD && known.at(-1) !== position) known.push(position);
  }
  let vector = '';
  // Letters and digits only: nothing in a word needs quoting.
  for (const [word, at] of positions) vector += `${word}:${at.join(',')} `;
  return vector;
}

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
