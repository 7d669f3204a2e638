import type { Logger } from 'pino';
import { progressOf } from '../domain/progress.ts';
import type { ProgressBus } from '../live/progress-bus.ts';
import type { Database } from '../store/database.ts';
import { queuedRunIds, requeueDeadRuns } from '../store/runs/requeue-runs.ts';
import type { SyncQueue } from './sync-queue.ts';

/** How often the rows are asked for runs that nobody carries, in milliseconds. */
const EVERY_MS = 5_000;

/**
 * Finds from the rows what the queue or a dead worker has lost, once before it resolves and then all the time.
 * @returns how to stop; resolves when a look that is under way has ended.
 */
export async function startRecovery({
  database,
  bus,
  queue,
  log,
}: {
  database: Database;
  bus: ProgressBus;
  queue: SyncQueue;
  log: Logger;
}): Promise<() => Promise<void>> {
  // Alone on the database, what is RUNNING at our start is a dead process's: no need to wait for its lease.
  await recover(database.exclusive);
  let looking: Promise<void> | null = null;
  const timer = setInterval(() => {
    looking ??= recover(false)
      .catch((error: unknown) => log.error({ err: error }, 'looking for lost runs failed'))
      .finally(() => {
        looking = null;
      });
  }, EVERY_MS);
  return async () => {
    clearInterval(timer);
    await looking;
  };

  async function recover(all: boolean): Promise<void> {
    for (const { tenantId, ...run } of await requeueDeadRuns(database.pool, all)) {
      log.warn({ runId: run.id, accountId: run.accountId, attempt: run.attempt }, 'resuming a run whose worker died');
      bus.publish(progressOf(tenantId, run));
    }
    for (const runId of await queuedRunIds(database.pool)) queue.dispatch(runId);
  }
}
