/**
 * Digests and stores batches while the next ones are fetched. Batches are digested concurrently, and stored one after
 * the other in the order given. At most `inFlight` batches are between the socket and the database, so memory depends
 * on the size of a batch, never on the mailbox.
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

  /** Resolves when the pipeline can take the next batch. Rejects with the first failure. */
  async push(batch: Fetched): Promise<void> {
    this.#throwIfFailed();
    this.#pending++;
    const digested = this.#digest(batch);
    // It is awaited below. This only keeps an early failure from counting as unhandled.
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

  /** Resolves when all pushed batches are stored. Rejects with the first failure. */
  async drain(): Promise<void> {
    await this.settle();
    this.#throwIfFailed();
  }

  /** Waits for the pushed batches, and ignores failures. */
  async settle(): Promise<void> {
    await this.#storing;
  }

  #throwIfFailed(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
