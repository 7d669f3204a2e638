import { constants, zstdCompressSync } from 'node:zlib';
import type { PackPlace } from '../../domain/parsed-batch.ts';
import type { ParsedMessage } from '../../domain/parsed-message.ts';
import { GrowingBuffer } from '../../pg-formats/growing-buffer.ts';
import { pgArrayOf } from '../../pg-formats/pg-array.ts';

/** In bytes. */
const INITIAL_LENGTH = 64 * 1024;

/**
 * Writes the texts of messages one after the other, and those of others after {@link clear}. Why they are stored
 * together: docs/decisions/0013-packs.md.
 */
export class TextsWriter {
  readonly #buffer = new GrowingBuffer(INITIAL_LENGTH);

  clear(): void {
    this.#buffer.clear();
  }

  add({ text, html }: Pick<ParsedMessage, 'text' | 'html'>): Pick<PackPlace, 'textAt' | 'textSize' | 'htmlSize'> {
    const textAt = this.#buffer.end;
    return {
      textAt,
      textSize: this.#buffer.text(text),
      htmlSize: html === null ? null : this.#buffer.text(html),
    };
  }

  /** Returns the zstd frame of all added texts, as a binary array of one item. */
  pack(): Uint8Array<ArrayBuffer> {
    return packOf(this.#buffer.written());
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
