import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { maintainTable } from '../../store/embedded/maintain-table.ts';
import { runPeriodically } from '../run-periodically.ts';

/** How often it is asked whether a table needs care, in milliseconds: a first sync stores some thousand messages in that time. */
const EVERY_MS = 5_000;
/** Everybody waits while a table is looked after; then all others have so many times as long. */
const REST = 4;

/**
 * Keeps the tables of the embedded database in shape, one at a time. A PostgreSQL that is a server does so by itself.
 * @returns how to stop; resolves when what is under way has ended
 */
export function startTableMaintenance(pool: Pool, log: Logger, everyMs = EVERY_MS): () => Promise<void> {
  const stopping = new AbortController();
  const stop = runPeriodically(everyMs, 'looking after the tables', tendAll, log);
  return async () => {
    stopping.abort();
    await stop();
  };

  async function tendAll(): Promise<void> {
    while (!stopping.signal.aborted) {
      const began = performance.now();
      const done = await maintainTable(pool);
      if (!done) return;
      const ms = performance.now() - began;
      log.debug({ ...done, ms }, 'table looked after');
      // Rejects when it is stopped, which the loop asks about.
      await pause(ms * REST, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }
}
