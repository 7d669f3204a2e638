import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { clearHistory } from '../../store/runs/clear-history.ts';
import { runPeriodically } from '../run-periodically.ts';

/** Polling interval for old runs, in milliseconds. */
const EVERY_MS = 10 * 60_000;

/**
 * Starts to delete old runs, so that the history does not grow without limit. Any number of nodes may do so at once.
 * @returns a function that stops it, and resolves when the present batch has ended.
 */
export function startRunHistoryCleanup(pool: Pool, days: number, log: Logger): () => Promise<void> {
  let stopped = false;
  const stop = runPeriodically(EVERY_MS, 'clearing old runs', clearAll, log);
  return async () => {
    stopped = true;
    await stop();
  };

  async function clearAll(): Promise<void> {
    let runs = 0;
    for (let after: string | null = null, done = false; !done && !stopped; ) {
      const cleared = await clearHistory(pool, { days, after });
      runs += cleared.runs;
      ({ after, done } = cleared);
    }
    if (runs > 0) log.info({ runs, days }, 'old runs cleared');
  }
}
