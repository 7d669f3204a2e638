import type { Logger } from 'pino';
import { progressOf } from '../../domain/progress.ts';
import type { ProgressBus } from '../../live/progress-bus.ts';
import type { Database } from '../../store/plumbing/database.ts';
import { startDueRuns } from '../../store/runs/start-due-runs.ts';
import type { SyncQueue } from '../queue/sync-queue.ts';
import { runPeriodically } from '../run-periodically.ts';

/** How often the rows are asked for accounts that are due, in milliseconds. */
const EVERY_MS = 1_000;
/** Accounts in one transaction: short enough that nobody waits for the embedded database. */
const BATCH = 200;

/**
 * Keeps all active accounts fresh: `next_sync_at` on their rows is the schedule, this only looks at it. Any number of
 * nodes may do so, and one that was down has nothing to make up for but what is due now.
 * @returns how to stop; resolves when a look that is under way has ended.
 */
export function startScheduler({
  database,
  bus,
  queue,
  intervalMinutes,
  log,
}: {
  database: Database;
  bus: ProgressBus;
  queue: SyncQueue;
  /** Of accounts that have no interval of their own. */
  intervalMinutes: number;
  log: Logger;
}): () => Promise<void> {
  let stopped = false;
  const stop = runPeriodically(EVERY_MS, 'looking for accounts that are due', tick, log);
  return async () => {
    stopped = true;
    await stop();
  };

  async function tick(): Promise<void> {
    for (;;) {
      const { due, started } = await startDueRuns(database.pool, { intervalMinutes, limit: BATCH });
      for (const { tenantId, ...run } of started) bus.publish(progressOf(tenantId, run));
      if (started.length > 0) {
        log.debug({ due, started: started.length }, 'accounts were due');
        queue.dispatch(started);
      }
      if (due < BATCH || stopped) return;
    }
  }
}
