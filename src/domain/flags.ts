import { toStorable } from './storable-text.ts';

const SYSTEM_FLAGS = new Map(
  ['\\Seen', '\\Answered', '\\Flagged', '\\Deleted', '\\Draft'].map((flag) => [flag.toLowerCase(), flag]),
);

/**
 * Returns flags in one spelling and order, so that equal sets are equal lists. System flags are case-insensitive
 * (RFC 9051, 2.3.2). `\Recent` belongs to a session and is dropped, as are duplicates. A flag that is not an atom is
 * still a keyword. One with spaces becomes several, because the stored list of flags is separated by spaces.
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
