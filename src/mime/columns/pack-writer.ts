import { constants, zstdCompressSync } from 'node:zlib';
import type { PackPlace, ParsedMessage } from '../../domain/parsed-message.ts';
import { pgArrayOf } from '../../pg-formats/pg-array.ts';

/** Room that is kept between two packs, in bytes; more is let go. */
const KEPT = 2 * 1024 * 1024;
const SMALL = 64 * 1024;

/** Writes the texts of messages one behind the other, and after {@link clear} those of others, in a buffer that grows. */
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

  /** The zstd frame of all that was added, as a binary array of one. */
  pack(): Uint8Array<ArrayBuffer> {
    return packOf(this.#buffer.subarray(0, this.#end));
  }

  #write(text: string): number {
    // No UTF-16 unit takes more than three bytes.
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

/** The zstd frame of these bytes, as a binary array of one. */
export function packOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  // Most mail is a third as long then; what is longer comes in two pieces.
  return pgArrayOf('bytea', zstd(bytes, bytes.length / 2 + 1024));
}

/** The frame alone of bytes that are many: nothing is copied, and what is not written of the room for it costs nothing. */
export function giantFrame(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return zstd(bytes, bytes.length + bytes.length / 128 + 1024) as Buffer<ArrayBuffer>;
}

/** Level 3, the default, saves another 2 percent of mail, for more time. */
function zstd(bytes: Uint8Array, chunkSize: number): Buffer {
  return zstdCompressSync(bytes, {
    params: { [constants.ZSTD_c_compressionLevel]: 1 },
    chunkSize: Math.ceil(chunkSize),
  });
}
