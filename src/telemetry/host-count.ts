/** Hosts with a separate time series. The number of hosts is unbounded, because callers choose them. */
const NAMED = 20;
const OTHERS = 'other';

/** Counts open connections per host. */
export class HostCount {
  readonly #open = new Map<string, number>();
  readonly #isNaming: boolean;

  constructor(isNaming: boolean) {
    this.#isNaming = isNaming;
  }

  add(host: string): void {
    this.#open.set(host, (this.#open.get(host) ?? 0) + 1);
  }

  remove(host: string): void {
    const left = (this.#open.get(host) ?? 0) - 1;
    if (left > 0) this.#open.set(host, left);
    else this.#open.delete(host);
  }

  /** Returns the hosts with the most connections, and the sum of all others as `other`. */
  largest(): [string, number][] {
    const sorted = [...this.#open].sort(([, one], [, another]) => another - one);
    const named = this.#isNaming ? sorted.slice(0, NAMED) : [];
    const others = sorted.slice(named.length).reduce((sum, [, count]) => sum + count, 0);
    return [...named, [OTHERS, others]];
  }
}
