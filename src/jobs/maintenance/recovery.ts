import type { Logger } from 'pino';
import { progressOf } from '../../domain/progress.ts';
import type { ProgressBus } from '../../live/progress-bus.ts';
import type { Database } from '../../store/plumbing/database.ts';
import { failLostRuns } from '../../store/runs/finish-run.ts';
import { queueDueRetries, requeueDeadRuns } from '../../store/runs/requeue-runs.ts';
import type { SyncQueue } from '../queue/sync-queue.ts';
import { runPeriodically } from '../run-periodically.ts';

/** Polling interval, in milliseconds: the most by which a retry is late. */
const EVERY_MS = 1_000;

/**
 * Starts recovery polling: it finds work that no worker was notified of, such as runs of dead workers, due retries, and
 * runs that were queued elsewhere or wait for a host. It polls once before it resolves, and then periodically.
 * @returns a function that stops it, and resolves when the present poll has ended.
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
  // If this process is alone on the database, any RUNNING run is a dead process's: its lease need not expire first.
  await recover(database.exclusive);
  return runPeriodically(EVERY_MS, 'looking for runs', () => recover(false), log);

  async function recover(all: boolean): Promise<void> {
    // One loss is always forgiven: the process may have been killed for reasons that have nothing to do with the run.
    const limit = Math.max(1, maxRetries);
    for (const { tenantId, ...run } of await failLostRuns(database.pool, { all, limit })) {
      log.error(
        { runId: run.id, accountId: run.accountId, losses: run.losses },
        'run failed: its workers died too often',
      );
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
