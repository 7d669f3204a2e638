import { GrowingBuffer } from './growing-buffer.ts';

/**
 * Arrays in PostgreSQL's binary format (array_recv), for large columns. node-postgres would write an array as text,
 * with quotes and backslashes escaped and bytes as hex, and the server would parse it character by character. The
 * thread that has the values builds the bytes, and the other threads only pass them on
 * (docs/decisions/0014-binary-arrays.md, docs/decisions/0027-pg-formats-is-a-module.md).
 *
 * A header (dimensions, whether it has nulls, type, length, first index) precedes the items. Each item follows its
 * length, which is -1 for null. All numbers are big-endian int32.
 */
const HEADER = 20;
const NULL = -1;

/** Object ids of pg_type. */
export const PG_TYPES = { bool: 16, bytea: 17, text: 25, tsvector: 3614 } as const;

const TRUE = Uint8Array.of(1);
const FALSE = Uint8Array.of(0);

/** In bytes. */
const INITIAL_LENGTH = 16 * 1024;

/** Builds an array, and another one after {@link clear}. */
export class PgArrayWriter {
  readonly #buffer = new GrowingBuffer(INITIAL_LENGTH);
  readonly #type: number;
  #count = 0;

  constructor(type: keyof typeof PG_TYPES) {
    this.#type = PG_TYPES[type];
    this.#buffer.end = HEADER;
  }

  /** Length of the array so far, in bytes. */
  get length(): number {
    return this.#buffer.end;
  }

  null(): void {
    this.#buffer.int32(NULL);
    this.#count++;
  }

  text(value: string | null): void {
    if (value === null) {
      this.null();
      return;
    }
    const buffer = this.#buffer;
    const at = buffer.end;
    buffer.int32(0);
    // The length in bytes is known only now.
    const length = buffer.text(value);
    buffer.memory.writeInt32BE(length, at);
    this.#count++;
  }

  bool(value: boolean): void {
    this.bytes(value ? TRUE : FALSE);
  }

  bytes(value: Uint8Array): void {
    this.#buffer.int32(value.length);
    this.#buffer.bytes(value);
    this.#count++;
  }

  /** Copies the array to the beginning of `target`, which must hold {@link length} bytes. */
  copyTo(target: Uint8Array): void {
    writeHeader(this.#buffer.memory, this.#type, this.#count);
    target.set(this.#buffer.written());
  }

  clear(): void {
    this.#buffer.clear();
    this.#buffer.end = HEADER;
    this.#count = 0;
  }
}

/** Returns an array of one item. */
export function pgArrayOf(type: keyof typeof PG_TYPES, item: Uint8Array): Uint8Array<ArrayBuffer> {
  const array = Buffer.allocUnsafeSlow(HEADER + 4 + item.length);
  writeHeader(array, PG_TYPES[type], 1);
  array.writeInt32BE(item.length, HEADER);
  array.set(item, HEADER + 4);
  return array;
}

/** Returns one array with the items of all arrays, which must be of one type. */
export function joinPgArrays(arrays: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const buffers = arrays.map((array) => Buffer.from(array.buffer, array.byteOffset, array.length));
  const joined = Buffer.concat([Buffer.alloc(HEADER), ...buffers.map((buffer) => buffer.subarray(HEADER))]);
  const count = buffers.reduce((sum, buffer) => sum + buffer.readInt32BE(12), 0);
  writeHeader(joined, buffers[0]!.readInt32BE(8), count);
  return joined;
}

/** Returns the items of an array without nulls, as views. */
export function pgArrayItems(array: Uint8Array<ArrayBuffer>): Buffer[] {
  const buffer = Buffer.from(array.buffer, array.byteOffset, array.length);
  const items: Buffer[] = [];
  for (let at = HEADER; at < buffer.length; ) {
    const end = at + 4 + buffer.readInt32BE(at);
    items.push(buffer.subarray(at + 4, end));
    at = end;
  }
  return items;
}

function writeHeader(buffer: Buffer, type: number, count: number): void {
  buffer.writeInt32BE(1, 0);
  buffer.writeInt32BE(1, 4);
  buffer.writeInt32BE(type, 8);
  buffer.writeInt32BE(count, 12);
  buffer.writeInt32BE(1, 16);
}
