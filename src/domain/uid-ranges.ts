const HIGHEST_UID = 0xffff_ffff;
const numberOf = (uid: string | undefined): number => (uid === '*' ? HIGHEST_UID : Number(uid));

/**
 * A set of UIDs as a server wrote it, in ranges: `1:4294967295` costs as much as one UID. A server may name all
 * possible UIDs, so the set can only be queried for given UIDs, and never be enumerated.
 */
export class UidRanges {
  #ranges: (readonly [first: number, last: number])[] = [];
  #isSorted = true;

  /** Number of ranges: those left by the last merge, and those added since. */
  get count(): number {
    return this.#ranges.length;
  }

  /** @param set a sequence set of RFC 9051, 9; invalid parts are ignored */
  add(set: string): void {
    for (const part of set.split(',')) {
      const [, from, to = from] = /^(\d{1,10}|\*)(?::(\d{1,10}|\*))?$/.exec(part) ?? [];
      if (from === undefined) continue;
      const [a, b] = [numberOf(from), numberOf(to)];
      this.#ranges.push(a <= b ? [a, b] : [b, a]);
      this.#isSorted = false;
    }
  }

  has(uid: number): boolean {
    this.#merge();
    let [low, high] = [0, this.#ranges.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ranges[middle]![1] < uid) low = middle + 1;
      else high = middle;
    }
    return low < this.#ranges.length && this.#ranges[low]![0] <= uid;
  }

  toString(): string {
    this.#merge();
    return this.#ranges.map(([first, last]) => (first === last ? `${first}` : `${first}:${last}`)).join(',');
  }

  #merge(): void {
    if (this.#isSorted) return;
    const merged: [number, number][] = [];
    for (const [first, last] of this.#ranges.toSorted((a, b) => a[0] - b[0])) {
      const before = merged.at(-1);
      if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last);
      else merged.push([first, last]);
    }
    this.#ranges = merged;
    this.#isSorted = true;
  }
}
