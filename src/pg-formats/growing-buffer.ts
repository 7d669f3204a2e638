/** Longest memory that is kept for the next use, in bytes; longer memory is released. */
const KEPT = 2 * 1024 * 1024;

/** Bytes that are written one after the other, in memory that grows, and that is used again after {@link clear}. */
export class GrowingBuffer {
  readonly #initialLength: number;
  #memory: Buffer<ArrayBuffer>;
  /** Number of bytes written so far. Callers that write into the memory move it. */
  end = 0;

  constructor(initialLength: number) {
    this.#initialLength = initialLength;
    this.#memory = Buffer.allocUnsafeSlow(initialLength);
  }

  /** The memory, of which the first `end` bytes are written. Valid until the next call that writes or reserves. */
  get memory(): Buffer<ArrayBuffer> {
    return this.#memory;
  }

  /** Returns the memory, with space for at least `length` bytes after `end`. */
  reserve(length: number): Buffer<ArrayBuffer> {
    const needed = this.end + length;
    if (needed > this.#memory.length) {
      const larger = Buffer.allocUnsafeSlow(needed * 2);
      this.#memory.copy(larger, 0, 0, this.end);
      this.#memory = larger;
    }
    return this.#memory;
  }

  /** Appends text as UTF-8, and returns its length in bytes. */
  text(value: string): number {
    // A UTF-16 unit takes at most three bytes.
    const length = this.reserve(value.length * 3).write(value, this.end);
    this.end += length;
    return length;
  }

  bytes(value: Uint8Array): void {
    this.reserve(value.length).set(value, this.end);
    this.end += value.length;
  }

  int32(value: number): void {
    this.end = this.reserve(4).writeInt32BE(value, this.end);
  }

  /** Returns a view of the bytes written so far. */
  written(): Buffer<ArrayBuffer> {
    return this.#memory.subarray(0, this.end);
  }

  clear(): void {
    if (this.#memory.length > KEPT) this.#memory = Buffer.allocUnsafeSlow(this.#initialLength);
    this.end = 0;
  }
}
