const SMALLEST = 16;
const LARGEST = 200;

/**
 * Learns how many messages to write in one transaction: as many as this database writes in the time that others can
 * wait. Larger batches cost less in total. A server takes larger ones than the embedded database, a busy machine
 * smaller ones.
 */
export class BatchSize {
  #messages = 32;
  readonly #targetMs: () => number;

  /** @param targetMs returns how long the next transaction should take, in milliseconds; called after each */
  constructor(targetMs: () => number) {
    this.#targetMs = targetMs;
  }

  get messages(): number {
    return this.#messages;
  }

  /** Learns from a transaction. It goes half the way each time, so that one slow transaction does not decide. */
  learn(messages: number, ms: number): void {
    const targetMs = this.#targetMs();
    if (messages < SMALLEST / 2) return;
    const fitting = (messages * targetMs) / Math.max(ms, 1);
    this.#messages = Math.round(Math.min(LARGEST, Math.max(SMALLEST, (this.#messages + fitting) / 2)));
  }
}
