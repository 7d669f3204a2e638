/** Window of the measurement in ms: long enough for a steady value, short enough to show a stall. */
const WINDOW_MS = 10_000;
/** Shorter measurements are not meaningful. */
const MINIMUM_MS = 500;

/** Measures messages per second over the last seconds, and estimates the time left. */
export class SpeedMeter {
  readonly #samples: { at: number; processed: number }[] = [];
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  measure(processed: number, total: number | null): { messagesPerSecond: number | null; etaSeconds: number | null } {
    const at = this.#now();
    this.#samples.push({ at, processed });
    while (this.#samples.length > 2 && at - this.#samples[1]!.at > WINDOW_MS) this.#samples.shift();
    const first = this.#samples[0]!;
    if (at - first.at < MINIMUM_MS) return { messagesPerSecond: null, etaSeconds: null };
    const messagesPerSecond = ((processed - first.processed) * 1000) / (at - first.at);
    const remaining = total === null ? null : Math.max(0, total - processed);
    return {
      messagesPerSecond,
      etaSeconds: remaining === null || messagesPerSecond <= 0 ? null : remaining / messagesPerSecond,
    };
  }
}
