/**
 * Digests and stores batches while the next ones are fetched: digesting runs beside, storing one after the other in
 * the order given. At most `inFlight` batches are between the socket and the database, so memory depends on the budget
 * of a batch, never on the mailbox.
 */
export class StorePipeline<Fetched, Digested> {
  readonly #inFlight: number;
  readonly #digest: (batch: Fetched) => Promise<Digested>;
  readonly #store: (batch: Fetched, digested: Digested) => Promise<void>;
  #storing: Promise<void> = Promise.resolve();
  #pending = 0;
  #failure: { error: unknown } | null = null;
  #wake: (() => void) | null = null;

  constructor(options: {
    inFlight: number;
    digest: (batch: Fetched) => Promise<Digested>;
    store: (batch: Fetched, digested: Digested) => Promise<void>;
  }) {
    this.#inFlight = options.inFlight;
    this.#digest = options.digest;
    this.#store = options.store;
  }

  /** Resolves when there is room for the next batch. Rejects with the first failure. */
  async push(batch: Fetched): Promise<void> {
    this.#throwIfFailed();
    this.#pending++;
    const digested = this.#digest(batch);
    // Awaited in its turn below; this only keeps an early failure from counting as unhandled.
    digested.catch(() => {});
    this.#storing = this.#storing
      .then(async () => {
        if (!this.#failure) await this.#store(batch, await digested);
      })
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#pending--;
        this.#wake?.();
      });
    while (this.#pending >= this.#inFlight && !this.#failure) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#throwIfFailed();
  }

  /** Resolves when all that was pushed is stored. Rejects with the first failure. */
  async drain(): Promise<void> {
    await this.settle();
    this.#throwIfFailed();
  }

  /** Waits for what is under way, whatever becomes of it. */
  async settle(): Promise<void> {
    await this.#storing;
  }

  #throwIfFailed(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
