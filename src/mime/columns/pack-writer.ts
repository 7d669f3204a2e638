import { constants, zstdCompressSync } from 'node:zlib';
import type { PackPlace, ParsedMessage } from '../../domain/parsed-message.ts';
import { pgArrayOf } from '../../pg-formats/pg-array.ts';

/** Largest buffer that is kept between two packs, in bytes; a larger one is released. */
const KEPT = 2 * 1024 * 1024;
const SMALL = 64 * 1024;

/**
 * Writes the texts of messages into a growing buffer, one after the other, and those of others after {@link clear}. Why
 * they are stored together: docs/decisions/0013-packs.md.
 */
export class TextsWriter {
  #buffer = Buffer.allocUnsafeSlow(SMALL);
  #end = 0;

  clear(): void {
    if (this.#buffer.length > KEPT) this.#buffer = Buffer.allocUnsafeSlow(SMALL);
    this.#end = 0;
  }

  add({ text, html }: Pick<ParsedMessage, 'text' | 'html'>): Pick<PackPlace, 'textAt' | 'textSize' | 'htmlSize'> {
    const textAt = this.#end;
    return { textAt, textSize: this.#write(text), htmlSize: html === null ? null : this.#write(html) };
  }

  /** Returns the zstd frame of all added texts, as a binary array of one item. */
  pack(): Uint8Array<ArrayBuffer> {
    return packOf(this.#buffer.subarray(0, this.#end));
  }

  #write(text: string): number {
    // A UTF-16 unit takes at most three bytes.
    const room = this.#end + text.length * 3;
    if (room > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(room * 2);
      this.#buffer.copy(larger, 0, 0, this.#end);
      this.#buffer = larger;
    }
    const length = this.#buffer.write(text, this.#end);
    this.#end += length;
    return length;
  }
}

/** Returns the zstd frame of these bytes, as a binary array of one item. */
export function packOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  // Most mail compresses to a third. A longer result takes a second chunk.
  return pgArrayOf('bytea', zstd(bytes, bytes.length / 2 + 1024));
}

/**
 * Returns only the frame of a giant. Its single chunk avoids a copy, and memory that is never written costs nothing.
 */
export function giantFrame(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return zstd(bytes, bytes.length + bytes.length / 128 + 1024) as Buffer<ArrayBuffer>;
}

/** Compresses at level 1. Level 3, the default, saves another 2 percent, but takes longer. */
function zstd(bytes: Uint8Array, chunkSize: number): Buffer {
  return zstdCompressSync(bytes, {
    params: { [constants.ZSTD_c_compressionLevel]: 1 },
    chunkSize: Math.ceil(chunkSize),
  });
}
