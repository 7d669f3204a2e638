/**
 * Longest UID set in one command, in characters. Servers truncate long lines or drop the connection (Courier 8 kB,
 * Cyrus `maxword`). RFC 7162, section 4 mentions 8192. This is well below all of them.
 */
const MAX_SET_LENGTH = 2000;

/** Returns UIDs as IMAP sequence sets ("1:5,7"), none longer than `maxLength`. */
export function packUids(uids: Iterable<number>, maxLength = MAX_SET_LENGTH): string[] {
  const sorted = [...new Set(uids)].sort((a, b) => a - b);
  const sets: string[] = [];
  let current = '';
  for (let i = 0; i < sorted.length; ) {
    const first = sorted[i]!;
    let last = first;
    while (sorted[++i] === last + 1) last++;
    const range = first === last ? `${first}` : `${first}:${last}`;
    if (current && current.length + 1 + range.length > maxLength) {
      sets.push(current);
      current = '';
    }
    current = current ? `${current},${range}` : range;
  }
  if (current) sets.push(current);
  return sets;
}
