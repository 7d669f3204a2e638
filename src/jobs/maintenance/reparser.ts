import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { BatchSize } from '../../domain/batch-size.ts';
import type { ParsedBatch } from '../../domain/parsed-batch.ts';
import { leaveAsIs, storeReparsed } from '../../store/mail/reparse.ts';
import { NO_ACCOUNT, type StaleMessage, sourcesOf, staleMessages } from '../../store/mail/stale-messages.ts';
import type { Database } from '../../store/plumbing/database.ts';
import { isAnyRunning } from '../../store/runs/is-any-running.ts';
import { runPeriodically } from '../run-periodically.ts';

/** Polling interval for messages of an earlier parser version, in milliseconds. */
const EVERY_MS = 5_000;
/** The pause after a step is this many times as long as the step; longer while a sync is running. */
const REST = 1;
const REST_BESIDE_SYNCS = 4;

/**
 * Starts to parse again, in the background, the stored messages that an earlier parser version parsed. Each step is as
 * short as a transaction of a sync, and is followed by a pause. The rows record what is left to do for the next
 * process. Any number of nodes may do so at once.
 * @param digest that of src/mime/mime-pool.ts
 * @returns a function that stops it, and resolves when the present step has ended.
 */
export function startReparser(
  database: Database,
  digest: (sources: readonly Buffer[]) => Promise<ParsedBatch>,
  log: Logger,
  everyMs = EVERY_MS,
): () => Promise<void> {
  const { pool } = database;
  const stopping = new AbortController();
  const size = new BatchSize(database.transactionMs);
  const stop = runPeriodically(everyMs, 'parsing stored messages again', reparseAll, log);
  return async () => {
    stopping.abort();
    await stop();
  };

  async function reparseAll(): Promise<void> {
    let reparsed = 0;
    for (let after = NO_ACCOUNT; !stopping.signal.aborted; ) {
      const began = performance.now();
      const stale = await staleMessages(pool, after, size.messages);
      if (stale.length === 0) {
        if (after === NO_ACCOUNT) break;
        after = NO_ACCOUNT;
        continue;
      }
      const stored = await reparse(stale);
      reparsed += stored;
      // Another node is reparsing this account: try the next one.
      if (stored === 0) after = stale[0]!.accountId;
      const rest = (await isAnyRunning(pool)) ? REST_BESIDE_SYNCS : REST;
      // Rejects when stopped, which the loop condition checks.
      await pause((performance.now() - began) * rest, undefined, { signal: stopping.signal }).catch(() => {});
    }
    if (reparsed > 0) log.info({ messages: reparsed }, 'stored messages parsed again');
  }

  /** Returns how many of the messages were still stale after parsing. */
  async function reparse(stale: readonly StaleMessage[]): Promise<number> {
    const sources = await sourcesOf(pool, stale);
    const read = stale.flatMap((message, i) => (sources[i] ? [{ message, source: sources[i] }] : []));
    const parsed = read.length > 0 ? await digest(read.map(({ source }) => source)) : null;
    const messages = read
      .map((one, index) => ({ stale: one.message, message: parsed!.at(index) }))
      .filter(({ stale: { sha256 }, message }) => sha256.toString('hex') === message.sha256);
    const sound = new Set(messages.map(({ stale: { id } }) => id));
    const broken = stale.map(({ id }) => id).filter((id) => !sound.has(id));
    if (broken.length > 0) {
      log.error({ messages: broken }, 'stored message sources cannot be read');
      await leaveAsIs(pool, broken);
    }
    if (!parsed || messages.length === 0) return broken.length;
    const began = performance.now();
    const stored = await storeReparsed(pool, messages, parsed);
    size.learn(messages.length, performance.now() - began);
    return stored + broken.length;
  }
}
