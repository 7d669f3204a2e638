import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { BatchSize } from '../../domain/batch-size.ts';
import { indexWaiting } from '../../store/mail/index-waiting.ts';
import type { Database } from '../../store/plumbing/database.ts';
import { runPeriodically } from '../run-periodically.ts';

/** How often the rows are asked for messages that wait, in milliseconds. */
const EVERY_MS = 5_000;
/**
 * How long words wait, in milliseconds. The index takes two fifths of the time that a message costs the database, so a
 * first sync leaves it for later. But not for ever: a search reads what waits word by word, which takes a tenth of a
 * second for what a minute brings.
 */
const WAIT_MS = 30_000;

/**
 * Brings the words of new messages into the full-text index, beside everything else: each step is as short as a sync's
 * transactions, and is followed by a rest of the same length. What a process leaves undone is in the rows for the next.
 * @returns how to stop; resolves when a step that is under way has ended.
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
      // Rejects when it is stopped, which the loop asks about.
      await pause(took, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }
}
