/**
 * An async iterator with bounded memory for slow readers. It keeps only the newest unread value of each key, in the
 * order of the last change, for at most `maxKeys` keys, and drops the oldest first. (graphql-yoga's Repeater throws in
 * the publisher after 1024 unread values, which ends the process.)
 */
export class Conflated<T> implements AsyncIterableIterator<T> {
  readonly #unread = new Map<string, T>();
  readonly #keyOf: (value: T) => string;
  readonly #maxKeys: number;
  readonly #onEnd: () => void;
  readonly #onDrop: () => void;
  #waiting: ((result: IteratorResult<T>) => void)[] = [];
  #ended = false;

  constructor(options: { keyOf: (value: T) => string; maxKeys: number; onEnd: () => void; onDrop?: () => void }) {
    this.#keyOf = options.keyOf;
    this.#maxKeys = options.maxKeys;
    this.#onEnd = options.onEnd;
    this.#onDrop = options.onDrop ?? (() => {});
  }

  push(value: T): void {
    if (this.#ended) return;
    const reader = this.#waiting.shift();
    if (reader) {
      reader({ done: false, value });
      return;
    }
    const key = this.#keyOf(value);
    if (this.#unread.delete(key)) this.#onDrop();
    this.#unread.set(key, value);
    if (this.#unread.size <= this.#maxKeys) return;
    this.#unread.delete(this.#unread.keys().next().value!);
    this.#onDrop();
  }

  next(): Promise<IteratorResult<T>> {
    const first = this.#unread.entries().next();
    if (!first.done) {
      const [key, value] = first.value;
      this.#unread.delete(key);
      return Promise.resolve({ done: false, value });
    }
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  return(): Promise<IteratorResult<T>> {
    this.#unread.clear();
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Ends the iteration after the unread values. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const reader of this.#waiting) reader({ done: true, value: undefined });
    this.#waiting = [];
    this.#onEnd();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
