const SYSTEM_FLAGS = new Map(
  ['\\Seen', '\\Answered', '\\Flagged', '\\Deleted', '\\Draft'].map((flag) => [flag.toLowerCase(), flag]),
);

/**
 * Flags in one spelling and order, so that sets compare equal as lists: system flags are case-insensitive
 * (RFC 9051, 2.3.2), `\Recent` belongs to a session and is dropped, duplicates too.
 */
export function canonicalFlags(flags: Iterable<string>): string[] {
  const seen = new Set<string>();
  for (const flag of flags) {
    const lower = flag.toLowerCase();
    if (lower !== '\\recent') seen.add(SYSTEM_FLAGS.get(lower) ?? flag);
  }
  return [...seen].sort();
}

export function sameFlags(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((flag, i) => flag === b[i]);
}
