/** How long one transaction should take, in milliseconds: everybody on the embedded database waits for it. */
const TARGET_MS = 25;
const SMALLEST = 16;
const LARGEST = 200;

/**
 * How many messages to store in one transaction: as many as this database stores in the time that others can wait.
 * Larger batches cost less in all; a server takes larger ones than the embedded database, and a busy machine smaller.
 */
export class BatchSize {
  #messages = 32;

  get messages(): number {
    return this.#messages;
  }

  /** Learns from a transaction; half the way at a time, so that one slow moment does not decide. */
  learn(messages: number, ms: number): void {
    if (messages < SMALLEST / 2) return;
    const fitting = (messages * TARGET_MS) / Math.max(ms, 1);
    this.#messages = Math.round(Math.min(LARGEST, Math.max(SMALLEST, (this.#messages + fitting) / 2)));
  }
}
