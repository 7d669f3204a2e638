import type { Logger } from 'pino';
import { progressOf } from '../../domain/progress.ts';
import type { ProgressBus } from '../../live/progress-bus.ts';
import type { Database } from '../../store/plumbing/database.ts';
import { startDueRuns } from '../../store/runs/start-due-runs.ts';
import type { SyncQueue } from '../queue/sync-queue.ts';
import { runPeriodically } from '../run-periodically.ts';

/** Polling interval for due accounts, in milliseconds. */
const EVERY_MS = 1_000;
/** Accounts in one transaction, so that others do not wait long for the embedded database. */
const BATCH = 200;

/**
 * Starts to queue runs for due accounts. The schedule is the column `next_sync_at`. Any number of nodes may do so at
 * once. After downtime, each account that was due meanwhile gets a single run.
 * @returns a function that stops it, and resolves when the present poll has ended.
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
  /** Interval of accounts that have none of their own. */
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
