import { hash } from 'node:crypto';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { type HighlightedMessage, type Highlights, highlightsOf } from '../domain/highlights.ts';
import { linksOf } from '../domain/links.ts';
import type { BatchContents, BatchMessage, Packs } from '../domain/parsed-batch.ts';
import type { ParsedMessage } from '../domain/parsed-message.ts';
import { ColumnWriter } from './columns/column-writer.ts';
import { giantFrame, packOf, TextsWriter } from './columns/pack-writer.ts';
import type { HtmlPage } from './html-page.ts';
import { asBuffer, type PackedBytes, unpackBytes } from './packed-bytes.ts';
import { parseHeaderOnly, parseMessage } from './parse-message.ts';
import { readAttachment, type StoredAttachment } from './read-attachment.ts';
import { hasRemoteImages as findRemoteImages } from './remote-images.ts';

/** A task of the threads of src/mime/mime-pool.ts. */
export interface DigestTask {
  readonly sources: PackedBytes;
  /** Why only headers are parsed; null to parse everything. */
  readonly headerOnly: string | null;
}

export interface AttachmentTask {
  readonly source: Uint8Array<ArrayBuffer>;
  readonly stored: StoredAttachment;
}

/** Messages parsed at a time. Parsing waits for the event loop between its steps; a few messages fill the gaps. */
const AT_A_TIME = 4;

export async function digest({ sources, headerOnly }: DigestTask) {
  const messages: BatchMessage[] = [];
  writer.clear();
  texts.clear();
  let sourceAt = 0;
  for await (const { source, parsed } of parsedInOrder(unpackBytes(sources), headerOnly)) {
    messages.push({
      index: messages.length,
      sha256: hash('sha256', source),
      size: source.length,
      sentAt: parsed.sentAt,
      place: { pack: 0, ...texts.add(parsed), sourceAt },
      links: linksOf(parsed),
      attachments: parsed.attachments,
      isHeaderOnly: headerOnly !== null,
    });
    sourceAt += source.length;
    writer.add(parsed);
  }
  const { columns, buffer } = writer.take();
  const packs = { texts: texts.pack(), sources: packOf(sources.bytes) };
  const batch = { messages, columns, packs } satisfies BatchContents;
  return transferring(batch, buffer, packs.texts.buffer, packs.sources.buffer);
}

/** A thread has one task at a time, and reuses its buffers for each. */
const writer = new ColumnWriter();
const texts = new TextsWriter();

async function* parsedInOrder(sources: readonly Buffer[], headerOnly: string | null) {
  const parse = (source: Buffer): Promise<ParsedMessage> =>
    headerOnly === null ? parseMessage(source) : parseHeaderOnly(source, headerOnly);
  const pending: Promise<ParsedMessage>[] = [];
  for (const [i, source] of sources.entries()) {
    while (pending.length < AT_A_TIME && i + pending.length < sources.length) {
      pending.push(parse(sources[i + pending.length]!));
    }
    yield { source, parsed: await pending.shift()! };
  }
}

/**
 * The first task for a message too large to be copied: it is transferred here, compressed, and returned to be parsed.
 */
export interface GiantTask {
  readonly source: Uint8Array<ArrayBuffer>;
}

export function compressGiant({ source }: GiantTask) {
  const bytes = asBuffer(source);
  const frame = giantFrame(bytes);
  const compressed = { source, sha256: hash('sha256', bytes), frame } satisfies CompressedGiant;
  return transferring(compressed, source.buffer, frame.buffer);
}

export interface CompressedGiant extends GiantTask {
  readonly sha256: string;
  readonly frame: Uint8Array<ArrayBuffer>;
}

/** Parses a giant message. The result lacks the compressed source, which the first task has returned. */
export async function parseGiant({ source, headerOnly }: GiantTask & Pick<DigestTask, 'headerOnly'>) {
  const bytes = asBuffer(source);
  const parsed = headerOnly === null ? await parseMessage(bytes) : await parseHeaderOnly(bytes, headerOnly);
  // Released at once, because an idle thread collects no garbage.
  source.buffer.transfer(0);
  writer.clear();
  writer.add(parsed);
  texts.clear();
  const place = { pack: 0, ...texts.add(parsed), sourceAt: 0 };
  const { columns, buffer } = writer.take();
  const { sentAt, attachments } = parsed;
  const message = { index: 0, sentAt, place, links: linksOf(parsed), attachments, isHeaderOnly: headerOnly !== null };
  const giant = { message, columns, texts: texts.pack() } satisfies ParsedGiant;
  return transferring(giant, buffer, giant.texts.buffer);
}

export interface ParsedGiant extends Pick<BatchContents, 'columns'>, Pick<Packs, 'texts'> {
  readonly message: Omit<BatchMessage, 'sha256' | 'size'>;
}

export async function attachment({ source, stored }: AttachmentTask) {
  const found = await readAttachment(asBuffer(source), stored);
  return found && transferring(found, found.content.buffer);
}

export const highlights = ({ messages, search }: HighlightTask): Highlights[] => highlightsOf(messages, search);

export interface HighlightTask {
  readonly messages: readonly HighlightedMessage[];
  readonly search: string;
}

export const hasRemoteImages = ({ html }: { html: string }): boolean => findRemoteImages(html);

/** Loaded on demand: threads that only parse do not need the sanitiser. */
export async function htmlPage(page: HtmlPage): Promise<string> {
  return (await import('./html-page.ts')).htmlPage(page);
}

/** Returns an answer whose buffers Piscina transfers instead of copying them. */
function transferring(value: object, ...buffers: ArrayBuffer[]) {
  return move({ [transferableSymbol]: buffers as unknown as object, [valueSymbol]: value });
}
