import { toStorable } from './storable-text.ts';

const SYSTEM_FLAGS = new Map(
  ['\\Seen', '\\Answered', '\\Flagged', '\\Deleted', '\\Draft'].map((flag) => [flag.toLowerCase(), flag]),
);

/**
 * Flags in one spelling and order, so that sets compare equal as lists: system flags are case-insensitive
 * (RFC 9051, 2.3.2), `\Recent` belongs to a session and is dropped, duplicates too. What is no atom is a keyword all the
 * same; one with spaces is several, because a list of flags is stored with spaces between them.
 */
export function canonicalFlags(flags: Iterable<string>): string[] {
  const seen = new Set<string>();
  for (const flag of flags) {
    const lower = flag.toLowerCase();
    if (lower === '\\recent') continue;
    const known = SYSTEM_FLAGS.get(lower);
    if (known) seen.add(known);
    else for (const word of toStorable(flag).split(/\s+/)) if (word) seen.add(word);
  }
  return [...seen].sort();
}

export function sameFlags(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((flag, i) => flag === b[i]);
}
