import { hash } from 'node:crypto';
import { constants, zstdCompressSync } from 'node:zlib';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import type { DigestedBatch, ParsedMessage } from '../domain/parsed-message.ts';
import { searchVector } from '../domain/search-words.ts';
import { asBuffer, type PackedBytes, packBytes, unpackBytes } from './packed-bytes.ts';
import { parseHeaderOnly, parseMessage } from './parse-message.ts';
import { readAttachment } from './read-attachment.ts';

/** What the threads of src/mime/mime-pool.ts run. */
export interface DigestTask {
  readonly sources: PackedBytes;
  /** Why only headers are to be parsed; null to parse it all. */
  readonly headerOnly: string | null;
}

export interface AttachmentTask {
  readonly source: Uint8Array<ArrayBuffer>;
  readonly index: number;
}

/** Parsing waits for the event loop between its steps: a few messages at a time fill the gaps. */
const AT_A_TIME = 4;

export async function digest({ sources, headerOnly }: DigestTask) {
  const messages = await parseAll(unpackBytes(sources), headerOnly);
  const zstd = packBytes(messages.map(({ frame }) => frame));
  const batch: DigestedBatch = {
    messages: messages.map(({ parsed, source, frame }, i) => ({
      ...parsed,
      sha256: hash('sha256', source),
      size: source.length,
      searchVector: searchVector(parsed),
      zstdOffset: zstd.ends[i]! - frame.length,
      zstdLength: frame.length,
    })),
    zstd: zstd.bytes,
  };
  return transferring(batch, zstd.bytes);
}

/** What a message too large to be copied is digested in: it comes, is compressed, and goes back to be parsed. */
export interface GiantTask {
  readonly source: Uint8Array<ArrayBuffer>;
}

export function compressGiant({ source }: GiantTask) {
  const bytes = asBuffer(source);
  // One piece that is large enough: of pieces, a second copy would have to be made. What is not written costs nothing.
  const zstd = compress(bytes, bytes.length + bytes.length / 128 + 1024);
  return transferring({ source, sha256: hash('sha256', bytes), zstd }, source, zstd as Buffer<ArrayBuffer>);
}

export async function parseGiant({ source, headerOnly }: GiantTask & Pick<DigestTask, 'headerOnly'>) {
  const bytes = asBuffer(source);
  const parsed = headerOnly === null ? await parseMessage(bytes) : await parseHeaderOnly(bytes, headerOnly);
  // Given back at once: an idle thread collects nothing.
  source.buffer.transfer(0);
  return { ...parsed, searchVector: searchVector(parsed) };
}

async function parseAll(sources: readonly Buffer[], headerOnly: string | null) {
  const done: { source: Buffer; parsed: ParsedMessage; frame: Buffer }[] = [];
  const waiting = sources.entries();
  const lane = async () => {
    for (const [i, source] of waiting) {
      const parsed = headerOnly === null ? await parseMessage(source) : await parseHeaderOnly(source, headerOnly);
      done[i] = { source, parsed, frame: compress(source, Math.min(source.length + 128, 64 * 1024)) };
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, lane));
  return done;
}

export async function attachment({ source, index }: AttachmentTask) {
  const found = await readAttachment(asBuffer(source), index);
  return found && transferring(found, found.content);
}

/**
 * Level 3, the default, saves another 2 percent of mail, for more time. A chunk that a small message fits in, because
 * the default of 16 kB for each would be memory to collect.
 */
function compress(source: Buffer, chunkSize: number): Buffer {
  return zstdCompressSync(source, {
    params: { [constants.ZSTD_c_compressionLevel]: 1 },
    chunkSize: Math.ceil(chunkSize),
  });
}

/** Piscina's way to say which of an answer's buffers is handed over instead of copied. */
function transferring(value: object, ...bytes: Uint8Array<ArrayBuffer>[]) {
  return move({ [transferableSymbol]: bytes.map(({ buffer }) => buffer), [valueSymbol]: value });
}
