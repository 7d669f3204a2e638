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

/**
 * Divides a set into at most `parts` sets of about as many UIDs, in the same order. Returns fewer for fewer UIDs, and
 * none for a set with `*`, whose number of UIDs is unknown.
 */
export function splitSet(set: string, parts: number): string[] {
  const ranges = set.split(',').map((range) => {
    const [first, last = first] = range.split(':').map(Number);
    return [first!, last!] as const;
  });
  const count = ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  if (!Number.isSafeInteger(count)) return [];
  const most = Math.ceil(count / parts);
  const sets: string[][] = [];
  let room = 0;
  for (const [first, last] of ranges) {
    for (let from = first; from <= last; ) {
      if (room === 0) {
        sets.push([]);
        room = most;
      }
      const to = Math.min(last, from + room - 1);
      sets.at(-1)!.push(from === to ? `${from}` : `${from}:${to}`);
      room -= to - from + 1;
      from = to + 1;
    }
  }
  return sets.map((part) => part.join(','));
}
