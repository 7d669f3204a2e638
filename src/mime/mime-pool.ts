import { Piscina } from 'piscina';
import type { HighlightedMessage, Highlights } from '../domain/highlights.ts';
import type { DigestedBatch, MessageColumns, MessageDigest } from '../domain/parsed-message.ts';
import { MailtideError } from '../errors.ts';
import { joinPgArrays, pgArrayOf } from '../pg-formats/pg-array.ts';
import type { AttachmentTask, CompressedGiant, DigestTask, GiantTask, ParsedGiant } from './digest-worker.ts';
import type { HtmlPage } from './html-page.ts';
import { asBuffer, packBytes } from './packed-bytes.ts';
import type { AttachmentContent, StoredAttachment } from './read-attachment.ts';
import { createThreadTurns } from './thread-turns.ts';

const SECOND = 1000;
const MEBIBYTE = 1024 * 1024;

/** From here on copies of a message are what memory is spent on. Bytes. */
export const GIANT = 8 * MEBIBYTE;
/** What is kept of a giant for its header, should parsing it bring the thread down. Bytes. */
const GIANT_HEAD = MEBIBYTE;

export interface MimePoolOptions {
  /** One is enough for one mailbox at a time; each costs up to 100 MB while it works. */
  readonly threads?: number;
  /** Told when a thread breaks that has no task, so that nobody else hears of it. */
  readonly onStrayError?: (error: Error) => void;
  /** For one task, a batch or a single message. A batch takes some 20 ms: who needs this long, is stuck. */
  readonly timeLimitMs?: number;
  /** For what somebody waits to see: HTML, and what is looked for in texts. */
  readonly viewLimitMs?: number;
  /** Tasks that one owner may have waiting; more are rejected with TOO_MANY_REQUESTS. */
  readonly maxWaiting?: number;
}

/** What the threads do for one owner. */
export interface MimeTasks {
  /**
   * Parses, hashes and compresses messages: one answer per source, in their order. A message that cannot be parsed, even
   * one that brings its thread down, comes back with what its header says and a `parseError`. A source of more than
   * {@link GIANT} bytes is handed over, and empty afterwards; the others stay usable.
   */
  digest(sources: readonly Buffer[]): Promise<DigestedBatch>;
  /** Lets a thread come, which takes a third of a second, for messages that are about to be asked for. */
  warmUp(): void;
  /** The bytes of a stored attachment; null when the message has none like it. Rejects when parsing is cut short. */
  attachment(source: Uint8Array, stored: StoredAttachment): Promise<AttachmentContent | null>;
  /**
   * A message's HTML as a document that is safe to show (src/mime/html-page.ts). `source` is where its own images are
   * taken from; empty when it names none. Rejects when the HTML takes too much time or memory.
   */
  htmlPage(html: string, source: Uint8Array, options: { remoteImages: boolean }): Promise<string>;
  /** Whether HTML seems to ask for images of other servers (src/mime/remote-images.ts). */
  hasRemoteImages(html: string): Promise<boolean>;
  /** Where messages have what was typed as a search (src/domain/highlights.ts). */
  highlights(messages: readonly HighlightedMessage[], search: string): Promise<Highlights[]>;
}

export interface MimePool extends MimeTasks {
  /** The tasks of one owner, such as a tenant: the owners take turns. What is called on the pool itself is nobody's. */
  of(owner: string): MimeTasks;
  /** Ends all threads; what is under way is rejected. */
  close(): Promise<void>;
}

/** Threads for parsing mail: they come with the first task and go when there was none for a while. */
export function createMimePool({
  threads = 1,
  timeLimitMs = 20 * SECOND,
  viewLimitMs = 5 * SECOND,
  maxWaiting = Number.POSITIVE_INFINITY,
  onStrayError = () => {},
}: MimePoolOptions = {}): MimePool {
  const pool = new Piscina({
    filename: new URL('./digest-worker.ts', import.meta.url).href,
    minThreads: 0,
    maxThreads: threads + SPARE_THREADS,
    idleTimeout: 10 * SECOND,
    resourceLimits: RESOURCE_LIMITS,
    recordTiming: false,
  });
  // One that is ended for its time limit may run out of memory before it is gone. Its task has been answered, and the next
  // one gets another thread. Without a listener the whole process would end.
  pool.on('error', onStrayError);
  const turns = createThreadTurns({ threads, spare: SPARE_THREADS, maxWaiting });
  let closed = false;

  /** A task is given to a thread that is free, so its time limit counts from its start, and only it can break the thread. */
  const run = <T>(owner: string, name: string, task: object, options: RunOptions = {}): Promise<T> =>
    turns.run(owner, async () => {
      if (closed) throw new Error('the threads for parsing mail are closed');
      const { bytes, isView = false } = options;
      const transferList = bytes ? [bytes.buffer] : [];
      const signal = AbortSignal.timeout(isView ? viewLimitMs : timeLimitMs);
      try {
        return await pool.run(task, { name, transferList, signal });
      } catch (error) {
        if (isView && signal.aborted) throw new MailtideError('REQUEST_TIME_LIMIT', { cause: error });
        throw error;
      }
    });

  function tasksOf(owner: string): MimeTasks {
    function runDigest(sources: readonly Buffer[], headerOnly: string | null): Promise<DigestedBatch> {
      const packed = packBytes(sources);
      const task: DigestTask = { sources: packed, headerOnly };
      return run(owner, 'digest', task, { bytes: packed.bytes });
    }

    async function digestGiant(given: Buffer): Promise<DigestedBatch> {
      const head = new Uint8Array(given.subarray(0, GIANT_HEAD));
      const own = ownBytes(given);
      const task: GiantTask = { source: own };
      const { source, sha256, frame } = await run<CompressedGiant>(owner, 'compressGiant', task, { bytes: own });
      const size = source.length;
      const parse = (bytes: Uint8Array<ArrayBuffer>, headerOnly: string | null) =>
        run<ParsedGiant>(owner, 'parseGiant', { source: bytes, headerOnly }, { bytes });
      const { message, columns, texts } = await parse(source, null).catch((error: unknown) => {
        if (closed) throw error;
        return parse(head, reasonOf(error));
      });
      const packs = { texts, sources: pgArrayOf('bytea', frame) };
      // Given back at once, not when somebody collects it.
      frame.buffer.transfer(0);
      return { messages: [{ ...message, sha256, size }], columns, packs };
    }

    async function digest(sources: readonly Buffer[]): Promise<DigestedBatch> {
      if (sources.some((source) => source.length > GIANT)) {
        if (sources.length === 1) return digestGiant(sources[0]!);
        return digestEach(sources);
      }
      try {
        return await runDigest(sources, null);
      } catch (error) {
        if (closed) throw error;
        // One of them broke the thread or its time limit: alone, each shows whether it was the one.
        if (sources.length === 1) return runDigest(sources, reasonOf(error));
        return digestEach(sources);
      }
    }

    async function digestEach(sources: readonly Buffer[]): Promise<DigestedBatch> {
      const batches: DigestedBatch[] = [];
      for (const source of sources) batches.push(await digest([source]));
      return joined(batches);
    }

    return {
      digest,
      warmUp() {
        // A thread that cannot come tells so with the first message.
        runDigest([], null).catch(() => {});
      },
      attachment(source, stored) {
        const bytes = new Uint8Array(source);
        const task: AttachmentTask = { source: bytes, stored };
        return run(owner, 'attachment', task, { bytes });
      },
      htmlPage(html, source, options) {
        const bytes = new Uint8Array(source);
        const task: HtmlPage = { html, source: bytes, ...options };
        return run(owner, 'htmlPage', task, { bytes, isView: true });
      },
      hasRemoteImages: (html) => run(owner, 'hasRemoteImages', { html }, { isView: true }),
      highlights: (messages, search) => run(owner, 'highlights', { messages, search }, { isView: true }),
    };
  }

  return {
    ...tasksOf(NOBODY),
    of: tasksOf,
    close() {
      closed = true;
      return pool.destroy();
    },
  };
}

interface RunOptions {
  /** Of the task, which are handed over with it. */
  readonly bytes?: Uint8Array<ArrayBuffer>;
  /** Somebody waits to see what comes of it. */
  readonly isView?: boolean;
}

const NOBODY = '';
/** They come when tasks run for long while others wait (src/mime/thread-turns.ts). */
const SPARE_THREADS = 2;

/**
 * Eight megabytes (a third of the first number) are allocated before the young are collected: less costs time, more only
 * memory (docs/benchmarks.md). The old generation is a ceiling for single messages, far above what a batch needs.
 * Buffers, the messages as received among them, are not counted.
 */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 24, maxOldGenerationSizeMb: 256 };

function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === 'AbortError') return 'parsing took too long';
  if (error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY')
    return 'parsing took too much memory';
  return 'the parser crashed';
}

/** The bytes as they are, if nothing else lives in their memory, so that it can be handed over. */
function ownBytes(bytes: Buffer): Buffer<ArrayBuffer> {
  const { buffer, length } = bytes;
  return buffer instanceof ArrayBuffer && buffer.byteLength === length
    ? (bytes as Buffer<ArrayBuffer>)
    : asBuffer(new Uint8Array(bytes));
}

function joined(batches: readonly DigestedBatch[]): DigestedBatch {
  const columns = Object.keys(batches[0]!.columns) as (keyof MessageColumns)[];
  // Each has one pack.
  const inPack = (message: MessageDigest, pack: number) => ({ ...message, place: { ...message.place, pack } });
  return {
    messages: batches.flatMap(({ messages }, pack) => messages.map((message) => inPack(message, pack))),
    columns: Object.fromEntries(
      columns.map((column) => [column, joinPgArrays(batches.map((batch) => batch.columns[column]))]),
    ) as MessageColumns,
    packs: {
      texts: joinPgArrays(batches.map(({ packs }) => packs.texts)),
      sources: joinPgArrays(batches.map(({ packs }) => packs.sources)),
    },
  };
}
