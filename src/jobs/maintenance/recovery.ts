import type { Logger } from 'pino';
import { progressOf } from '../../domain/progress.ts';
import type { ProgressBus } from '../../live/progress-bus.ts';
import type { Database } from '../../store/plumbing/database.ts';
import { failLostRuns } from '../../store/runs/finish-run.ts';
import { queueDueRetries, requeueDeadRuns } from '../../store/runs/requeue-runs.ts';
import type { SyncQueue } from '../queue/sync-queue.ts';
import { runPeriodically } from '../run-periodically.ts';

/** How often the rows are asked, in milliseconds: a retry begins at most that much late. */
const EVERY_MS = 1_000;

/**
 * Finds from the rows what is to be done and nobody has been told of: runs of dead workers, retries whose time has come,
 * runs that were queued elsewhere or wait for a host. Once before it resolves, and then all the time.
 * @returns how to stop; resolves when a look that is under way has ended.
 */
export async function startRecovery({
  database,
  bus,
  queue,
  maxRetries,
  log,
}: {
  database: Database;
  bus: ProgressBus;
  queue: SyncQueue;
  maxRetries: number;
  log: Logger;
}): Promise<() => Promise<void>> {
  // Alone on the database, what is RUNNING at our start is a dead process's: no need to wait for its lease.
  await recover(database.exclusive);
  return runPeriodically(EVERY_MS, 'looking for runs', () => recover(false), log);

  async function recover(all: boolean): Promise<void> {
    // One loss is always forgiven: that a process was killed says nothing of the run.
    const limit = Math.max(1, maxRetries);
    for (const { tenantId, ...run } of await failLostRuns(database.pool, { all, limit })) {
      log.error({ runId: run.id, accountId: run.accountId, losses: run.losses }, 'a run has lost its worker too often');
      bus.publish(progressOf(tenantId, run));
    }
    const resumed = await requeueDeadRuns(database.pool, all);
    for (const run of resumed) {
      log.warn({ runId: run.id, accountId: run.accountId, attempt: run.attempt }, 'resuming a run whose worker died');
    }
    const queued = [...resumed, ...(await queueDueRetries(database.pool))];
    for (const { tenantId, ...run } of queued) bus.publish(progressOf(tenantId, run));
    queue.dispatch(queued);
    await queue.reconcile();
  }
}
