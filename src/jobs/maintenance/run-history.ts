import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { clearHistory } from '../../store/runs/clear-history.ts';
import { runPeriodically } from '../run-periodically.ts';

/** How often old runs are looked for, in milliseconds. */
const EVERY_MS = 10 * 60_000;

/**
 * Keeps the history of runs from growing for ever. Any number of nodes may do so.
 * @returns how to stop; resolves when a batch that is under way has ended.
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
