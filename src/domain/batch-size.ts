const SMALLEST = 16;
const LARGEST = 200;

/**
 * How many messages to write in one transaction: as many as this database writes in the time that others can wait.
 * Larger batches cost less in all; a server takes larger ones than the embedded database, and a busy machine smaller.
 */
export class BatchSize {
  #messages = 32;
  readonly #targetMs: () => number;

  /** @param targetMs how long the next transaction should take, in milliseconds; asked after each */
  constructor(targetMs: () => number) {
    this.#targetMs = targetMs;
  }

  get messages(): number {
    return this.#messages;
  }

  /** Learns from a transaction; half the way at a time, so that one slow moment does not decide. */
  learn(messages: number, ms: number): void {
    const targetMs = this.#targetMs();
    if (messages < SMALLEST / 2) return;
    const fitting = (messages * targetMs) / Math.max(ms, 1);
    this.#messages = Math.round(Math.min(LARGEST, Math.max(SMALLEST, (this.#messages + fitting) / 2)));
  }
}
