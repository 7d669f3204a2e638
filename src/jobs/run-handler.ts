import type { Logger } from 'pino';
import { progressOf } from '../domain/progress.ts';
import type { SyncReceipt } from '../domain/receipt.ts';
import { toMailtideError } from '../errors.ts';
import type { SyncRun } from '../generated/prisma/client.ts';
import type { ProgressBus } from '../live/progress-bus.ts';
import { SpeedMeter } from '../live/speed-meter.ts';
import type { Database } from '../store/database.ts';
import { type ClaimedRun, claimRun, extendLease, LEASE_SECONDS } from '../store/runs/claim-run.ts';
import { finishRun, type RunOutcome } from '../store/runs/finish-run.ts';
import { giveBackRun } from '../store/runs/requeue-runs.ts';
import type { Lease } from '../store/sql.ts';
import type { RunHandler, StopReason } from './sync-queue.ts';

export interface RunHandlerOptions {
  readonly database: Database;
  readonly bus: ProgressBus;
  readonly log: Logger;
  /** Does the work of a claimed run. Its writes are fenced; it stops soon after `signal` is aborted. */
  readonly work: (claimed: ClaimedRun, tools: RunTools) => Promise<SyncReceipt>;
}

export interface RunTools {
  readonly publish: (run: SyncRun) => void;
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/**
 * Runs one run under its lease, from claim to outcome:
 *
 *   work resolves      -> SUCCEEDED
 *   work rejects       -> FAILED with the error's code and sentence
 *   signal 'shutdown'  -> back to QUEUED, another worker or the next start goes on
 *   signal 'cancelled' -> nothing to do: who cancelled has written CANCELLED
 *   lease lost         -> nothing to do: another worker has the run
 */
export function createRunHandler({ database, bus, log: parentLog, work }: RunHandlerOptions): RunHandler {
  const { pool } = database;

  async function execute(claimed: ClaimedRun, signal: AbortSignal, log: Logger): Promise<void> {
    const { lease, run } = claimed;
    const meter = new SpeedMeter();
    const publish = (row: SyncRun): void => {
      const speed = row.phase === 'FETCHING' ? meter.measure(row.messagesProcessed, row.messagesTotal) : undefined;
      bus.publish(progressOf(lease.tenantId, row, speed));
    };
    const stop = new AbortController();
    const heartbeat = startHeartbeat(lease, () => stop.abort('lease-lost' satisfies StopReason), log);
    const either = AbortSignal.any([signal, stop.signal]);
    try {
      publish(run);
      log.info({ mode: run.mode, attempt: run.attempt }, 'sync started');
      const receipt = await work(claimed, { publish, signal: either, log });
      await conclude({ status: 'SUCCEEDED', receipt });
    } catch (error) {
      const { code, message } = toMailtideError(error);
      const reason = either.aborted ? (either.reason as StopReason) : null;
      if (reason === 'shutdown') {
        const queued = await giveBackRun(pool, lease);
        if (queued) publish(queued);
        log.info('sync given back to the queue');
      } else if (reason === 'cancelled' || reason === 'lease-lost' || code === 'LEASE_LOST') {
        log.info({ reason: reason ?? code }, 'sync stopped');
      } else {
        log.warn({ err: error, code }, 'sync failed');
        await conclude({ status: 'FAILED', error: { code, message } });
      }
    } finally {
      heartbeat.stop();
    }

    async function conclude(outcome: RunOutcome): Promise<void> {
      const finished = await finishRun(pool, lease, outcome);
      publish(finished);
      const { status, messagesCreated: created } = finished;
      log.info({ status, created, complete: outcome.receipt?.complete }, 'sync ended');
    }
  }

  function startHeartbeat(lease: Lease, onLost: () => void, log: Logger): { stop(): void } {
    // From a timer, not from progress: a run that waits for a slow server is alive.
    const timer = setInterval(
      () => {
        extendLease(pool, lease).then(
          (held) => {
            if (!held) onLost();
          },
          // The database will say at the next write whether the lease still holds.
          (error: unknown) => log.warn({ err: error }, 'heartbeat failed'),
        );
      },
      (LEASE_SECONDS * 1000) / 4,
    );
    return { stop: () => clearInterval(timer) };
  }

  return async (runId, signal) => {
    const log = parentLog.child({ runId });
    try {
      const claimed = await claimRun(pool, runId);
      if (claimed) await execute(claimed, signal, log.child({ accountId: claimed.lease.accountId }));
    } catch (error) {
      // The run's row still says QUEUED or RUNNING: recovery finds it.
      log.error({ err: error }, 'a run could not be carried out');
    }
  };
}
