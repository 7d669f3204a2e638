import { hash } from 'node:crypto';
import { constants, zstdCompressSync } from 'node:zlib';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import type { DigestedBatch, ParsedMessage } from '../domain/parsed-message.ts';
import { searchVector } from '../domain/search-words.ts';
import { type PackedBytes, packBytes, unpackBytes } from './packed-bytes.ts';
import { parseHeaderOnly, parseMessage } from './parse-message.ts';
import { readAttachment } from './read-attachment.ts';

/** What the threads of src/mime/mime-pool.ts run. */
export interface DigestTask {
  readonly sources: PackedBytes;
  /** Why only headers are to be parsed; null to parse it all. */
  readonly headerOnly: string | null;
}

export interface AttachmentTask {
  readonly source: Uint8Array;
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

async function parseAll(sources: readonly Buffer[], headerOnly: string | null) {
  const done: { source: Buffer; parsed: ParsedMessage; frame: Buffer }[] = [];
  const waiting = sources.entries();
  const lane = async () => {
    for (const [i, source] of waiting) {
      const parsed = headerOnly === null ? await parseMessage(source) : await parseHeaderOnly(source, headerOnly);
      done[i] = { source, parsed, frame: compress(source) };
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, lane));
  return done;
}

export async function attachment({ source, index }: AttachmentTask) {
  const found = await readAttachment(Buffer.from(source.buffer, source.byteOffset, source.length), index);
  return found && transferring(found, found.content);
}

/**
 * Level 3, the default, saves another 2 percent of mail, for more time. A chunk that a small message fits in, because
 * the default of 16 kB for each would be memory to collect.
 */
function compress(source: Buffer): Buffer {
  return zstdCompressSync(source, {
    params: { [constants.ZSTD_c_compressionLevel]: 1 },
    chunkSize: Math.min(source.length + 128, 64 * 1024),
  });
}

/** Piscina's way to say which of an answer's buffers is handed over instead of copied. */
function transferring(value: object, bytes: Uint8Array<ArrayBuffer>) {
  return move({ [transferableSymbol]: bytes.buffer, [valueSymbol]: value });
}
