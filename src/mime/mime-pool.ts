import { Piscina } from 'piscina';
import type { HighlightedMessage, Highlights } from '../domain/highlights.ts';
import { type BatchContents, type MessageColumns, ParsedBatch } from '../domain/parsed-batch.ts';
import { MailtideError } from '../errors.ts';
import { joinPgArrays, pgArrayOf } from '../pg-formats/pg-array.ts';
import type { AttachmentTask, CompressedGiant, DigestTask, GiantTask, ParsedGiant } from './digest-worker.ts';
import type { HtmlPage } from './html-page.ts';
import { asBuffer, packBytes } from './packed-bytes.ts';
import type { AttachmentContent, StoredAttachment } from './read-attachment.ts';
import { createThreadTurns } from './thread-turns.ts';

const SECOND = 1000;
const MEBIBYTE = 1024 * 1024;

/** Larger messages are giants: they are not copied, because their copies would take most of the memory. In bytes. */
export const GIANT = 8 * MEBIBYTE;
/** How much of a giant is kept, so that its header can be parsed if the thread crashes. In bytes. */
const GIANT_HEAD = MEBIBYTE;

export interface MimePoolOptions {
  /** One is enough for one mailbox at a time; each takes up to 100 MB while it works. */
  readonly threads?: number;
  /** Called when a thread without a task crashes, which no caller would notice. */
  readonly onStrayError?: (error: Error) => void;
  /** Time limit of one task, a batch or a single message. A batch takes some 20 ms: a task at the limit is stuck. */
  readonly timeLimitMs?: number;
  /** Time limit of tasks that a user waits for: HTML and highlights. */
  readonly viewLimitMs?: number;
  /** Most waiting tasks of one owner; further ones are rejected with TOO_MANY_REQUESTS. */
  readonly maxWaiting?: number;
}

/** The tasks of the threads, for one owner. */
export interface MimeTasks {
  /**
   * Parses, hashes and compresses messages: one answer per source, in their order. A message that cannot be parsed,
   * even one that crashes its thread, is returned with its header and a `parseError`. A source of more than {@link
   * GIANT} bytes is transferred, and empty afterwards; the others stay usable.
   */
  digest(sources: readonly Buffer[]): Promise<ParsedBatch>;
  /** Starts a thread, which takes a third of a second, before the first messages are fetched. */
  warmUp(): void;
  /** Returns the bytes of a stored attachment; null if the message has none like it. Rejects if parsing is aborted. */
  attachment(source: Uint8Array, stored: StoredAttachment): Promise<AttachmentContent | null>;
  /**
   * Returns a message's HTML as a document that is safe to show (src/mime/html-page.ts). `source` contains its own
   * images; it is empty if the HTML names none. Rejects if the HTML takes too much time or memory.
   */
  htmlPage(html: string, source: Uint8Array, options: { remoteImages: boolean }): Promise<string>;
  /** Returns whether HTML seems to load images from other servers (src/mime/remote-images.ts). */
  hasRemoteImages(html: string): Promise<boolean>;
  /** Returns the highlights of messages for a typed search (src/domain/highlights.ts). */
  highlights(messages: readonly HighlightedMessage[], search: string): Promise<Highlights[]>;
}

export interface MimePool extends MimeTasks {
  /**
   * Returns the tasks of one owner, such as a tenant: the owners take turns. Calls on the pool itself have no owner.
   */
  of(owner: string): MimeTasks;
  /** Ends all threads; running tasks are rejected. */
  close(): Promise<void>;
}

/** Creates threads for parsing mail. They start with the first task and end after a while without one. */
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
  // A thread that is ended at its time limit may run out of memory before it is gone. Its task has been rejected, and
  // the next one gets another thread. Without a listener, the whole process would end.
  pool.on('error', onStrayError);
  const turns = createThreadTurns({ threads, spare: SPARE_THREADS, maxWaiting });
  let closed = false;

  /** Runs a task on a free thread, so that its time limit counts from its start, and only it can crash the thread. */
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
    function runDigest(sources: readonly Buffer[], headerOnly: string | null): Promise<BatchContents> {
      const packed = packBytes(sources);
      const task: DigestTask = { sources: packed, headerOnly };
      return run(owner, 'digest', task, { bytes: packed.bytes });
    }

    async function digestGiant(given: Buffer): Promise<BatchContents> {
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
      // Released at once, not at the next garbage collection.
      frame.buffer.transfer(0);
      return { messages: [{ ...message, sha256, size }], columns, packs };
    }

    async function digestTogether(sources: readonly Buffer[]): Promise<BatchContents> {
      if (sources.some((source) => source.length > GIANT)) {
        if (sources.length === 1) return digestGiant(sources[0]!);
        return digestEach(sources);
      }
      try {
        return await runDigest(sources, null);
      } catch (error) {
        if (closed) throw error;
        // One of them crashed the thread or hit the time limit: digested alone, each shows whether it does.
        if (sources.length === 1) return runDigest(sources, reasonOf(error));
        return digestEach(sources);
      }
    }

    async function digestEach(sources: readonly Buffer[]): Promise<BatchContents> {
      const batches: BatchContents[] = [];
      for (const source of sources) batches.push(await digestTogether([source]));
      return joined(batches);
    }

    return {
      digest: async (sources) => new ParsedBatch(await digestTogether(sources)),
      warmUp() {
        // If the thread cannot start, the first message reports it.
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
  /** The bytes of the task, which are transferred with it. */
  readonly bytes?: Uint8Array<ArrayBuffer>;
  /** A user waits for the result. */
  readonly isView?: boolean;
}

const NOBODY = '';
/** Threads that start when tasks run long while others wait (src/mime/thread-turns.ts). */
const SPARE_THREADS = 2;

/**
 * Eight megabytes (a third of the first number) are allocated before the young generation is collected: less would cost
 * time, more only memory (docs/benchmarks.md). The old generation is a ceiling for single messages, far above the need
 * of a batch. Buffers, including the messages as received, are not counted.
 */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 24, maxOldGenerationSizeMb: 256 };

function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === 'AbortError') return 'parsing took too long';
  if (error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY')
    return 'parsing took too much memory';
  return 'the parser crashed';
}

/** Returns bytes whose memory can be transferred: the given ones if they own it, otherwise a copy. */
function ownBytes(bytes: Buffer): Buffer<ArrayBuffer> {
  const { buffer, length } = bytes;
  return buffer instanceof ArrayBuffer && buffer.byteLength === length
    ? (bytes as Buffer<ArrayBuffer>)
    : asBuffer(new Uint8Array(bytes));
}

/** Joins batches of one message each. */
function joined(batches: readonly BatchContents[]): BatchContents {
  const columns = Object.keys(batches[0]!.columns) as (keyof MessageColumns)[];
  return {
    messages: batches.map(({ messages: [message] }, index) => ({
      ...message!,
      index,
      place: { ...message!.place, pack: index },
    })),
    columns: Object.fromEntries(
      columns.map((column) => [column, joinPgArrays(batches.map((batch) => batch.columns[column]))]),
    ) as MessageColumns,
    packs: {
      texts: joinPgArrays(batches.map(({ packs }) => packs.texts)),
      sources: joinPgArrays(batches.map(({ packs }) => packs.sources)),
    },
  };
}
