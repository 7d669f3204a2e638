import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { BatchSize } from '../../domain/batch-size.ts';
import { indexWaiting } from '../../store/mail/index-waiting.ts';
import type { Database } from '../../store/plumbing/database.ts';
import { runPeriodically } from '../run-periodically.ts';

/** Polling interval for messages to index, in milliseconds. */
const EVERY_MS = 5_000;
/**
 * How long new messages wait to be indexed, in milliseconds. Indexing takes two fifths of a message's database time, so
 * a first sync defers it. The delay is limited because a search scans the waiting messages word by word, which takes a
 * tenth of a second for the messages of one minute: docs/decisions/0017-deferred-full-text-index.md.
 */
const WAIT_MS = 30_000;

/**
 * Starts to add the words of new messages to the full-text index, in the background. Each step is as short as a
 * transaction of a sync, and is followed by a pause of the same length. The rows record what is left to do for the next
 * process.
 * @returns a function that stops it, and resolves when the present step has ended.
 */
export function startSearchIndexer(database: Database, log: Logger, waitMs = WAIT_MS): () => Promise<void> {
  const stopping = new AbortController();
  const size = new BatchSize(database.transactionMs);
  const stop = runPeriodically(Math.min(EVERY_MS, waitMs), 'indexing words', indexAll, log);
  return async () => {
    stopping.abort();
    await stop();
  };

  async function indexAll(): Promise<void> {
    while (!stopping.signal.aborted) {
      const began = performance.now();
      const { messages } = size;
      const indexed = await indexWaiting(database.pool, waitMs, messages);
      const took = performance.now() - began;
      size.learn(indexed, took);
      if (indexed < messages) return;
      // Rejects when stopped, which the loop condition checks.
      await pause(took, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }
}
