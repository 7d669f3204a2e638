import { hash } from 'node:crypto';
import { constants, zstdCompressSync } from 'node:zlib';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import type { DigestedBatch, MessageDigest, ParsedMessage } from '../domain/parsed-message.ts';
import { referenceKeys } from '../domain/threads.ts';
import { ColumnWriter } from './column-writer.ts';
import type { HtmlPage } from './html-page.ts';
import { asBuffer, type PackedBytes, unpackBytes } from './packed-bytes.ts';
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
  const messages: MessageDigest[] = [];
  writer.clear();
  for await (const { source, parsed } of parsedInOrder(unpackBytes(sources), headerOnly)) {
    messages.push({
      sha256: hash('sha256', source),
      size: source.length,
      sentAt: parsed.sentAt,
      references: referenceKeys(parsed),
      attachments: parsed.attachments,
    });
    writer.add(parsed, compress(source, Math.min(source.length + 128, 64 * 1024)));
  }
  const { columns, buffer } = writer.take();
  return transferring({ messages, columns } satisfies DigestedBatch, buffer);
}

/** A thread has one task at a time, and uses the same buffers for each. */
const writer = new ColumnWriter();

async function* parsedInOrder(sources: readonly Buffer[], headerOnly: string | null) {
  const parse = (source: Buffer): Promise<ParsedMessage> =>
    headerOnly === null ? parseMessage(source) : parseHeaderOnly(source, headerOnly);
  const underWay: Promise<ParsedMessage>[] = [];
  for (const [i, source] of sources.entries()) {
    while (underWay.length < AT_A_TIME && i + underWay.length < sources.length) {
      underWay.push(parse(sources[i + underWay.length]!));
    }
    yield { source, parsed: await underWay.shift()! };
  }
}

/** What a message too large to be copied is digested in: it comes, is compressed, and goes back to be parsed. */
export interface GiantTask {
  readonly source: Uint8Array<ArrayBuffer>;
}

export function compressGiant({ source }: GiantTask) {
  const bytes = asBuffer(source);
  // One piece that is large enough: of pieces, a second copy would have to be made. What is not written costs nothing.
  const zstd = compress(bytes, bytes.length + bytes.length / 128 + 1024) as Buffer<ArrayBuffer>;
  const compressed = { source, sha256: hash('sha256', bytes), zstd } satisfies CompressedGiant;
  return transferring(compressed, source.buffer, zstd.buffer);
}

export interface CompressedGiant extends GiantTask {
  readonly sha256: string;
  readonly zstd: Uint8Array<ArrayBuffer>;
}

/** All but the compressed source, which is not where the message is parsed. */
export async function parseGiant({ source, headerOnly }: GiantTask & Pick<DigestTask, 'headerOnly'>) {
  const bytes = asBuffer(source);
  const parsed = headerOnly === null ? await parseMessage(bytes) : await parseHeaderOnly(bytes, headerOnly);
  // Given back at once: an idle thread collects nothing.
  source.buffer.transfer(0);
  writer.clear();
  writer.add(parsed, NO_BYTES);
  const { columns, buffer } = writer.take();
  const { sentAt, attachments } = parsed;
  return transferring(
    { message: { sentAt, references: referenceKeys(parsed), attachments }, columns } satisfies ParsedGiant,
    buffer,
  );
}

const NO_BYTES = new Uint8Array();

export interface ParsedGiant extends Pick<DigestedBatch, 'columns'> {
  readonly message: Omit<MessageDigest, 'sha256' | 'size'>;
}

export async function attachment({ source, index }: AttachmentTask) {
  const found = await readAttachment(asBuffer(source), index);
  return found && transferring(found, found.content.buffer);
}

/** Loaded when it is asked for: threads that only parse do without the sanitiser. */
export async function htmlPage(page: HtmlPage): Promise<string> {
  return (await import('./html-page.ts')).htmlPage(page);
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
function transferring(value: object, ...buffers: ArrayBuffer[]) {
  return move({ [transferableSymbol]: buffers as unknown as object, [valueSymbol]: value });
}
