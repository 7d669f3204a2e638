import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { maintainTable } from '../../store/embedded/maintain-table.ts';
import { runPeriodically } from '../run-periodically.ts';

/**
 * Polling interval for tables to maintain, in milliseconds: a first sync stores some thousand messages in that time.
 */
const EVERY_MS = 5_000;
/** Maintenance blocks all others. The pause after it is this many times as long. */
const REST = 4;

/**
 * Starts to vacuum and analyse the tables of the embedded database, one at a time. A PostgreSQL server does so
 * automatically.
 * @returns a function that stops it, and resolves when the present maintenance has ended.
 */
export function startTableMaintenance(pool: Pool, log: Logger, everyMs = EVERY_MS): () => Promise<void> {
  const stopping = new AbortController();
  const stop = runPeriodically(everyMs, 'table maintenance', maintainAll, log);
  return async () => {
    stopping.abort();
    await stop();
  };

  async function maintainAll(): Promise<void> {
    while (!stopping.signal.aborted) {
      const began = performance.now();
      const done = await maintainTable(pool);
      if (!done) return;
      const ms = performance.now() - began;
      log.debug({ ...done, ms }, 'table maintained');
      // Rejects when stopped, which the loop condition checks.
      await pause(ms * REST, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }
}
