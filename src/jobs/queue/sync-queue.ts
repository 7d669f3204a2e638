import type { SyncRun } from '../../generated/prisma/client.ts';
import type { Blocked, ClaimedRun } from '../../store/runs/claim-run.ts';

/**
 * Notifies workers of waiting runs. It only carries notifications: a run's row decides whether the run may begin and
 * which worker has it (store/runs/claim-run.ts). If a job is lost, recovery finds its run in the database
 * (jobs/maintenance/recovery.ts). A job's priority and time come from the row too, so a job can be added again at any
 * time. A job names its run; jobs that only grant a turn were refused: docs/decisions/0001-rows-are-the-truth.md.
 *
 * It has two adapters and one conformance suite (test/jobs/queue-conformance.test.ts): within a process
 * (local-queue.ts), and BullMQ between any number of processes (bullmq-queue.ts). With both, a run's queue position is
 * read from the rows.
 */
export interface SyncQueue {
  /** Announces runs that were QUEUED, or wait for a retry at `nextAttemptAt`. Returns at once, and never throws. */
  dispatch(runs: readonly SyncRun[]): void;
  /** Stops a run that was CANCELLED: removes its job and aborts its signal, whichever node it runs on. */
  cancel(run: SyncRun): void;
  /** Replaces lost jobs. Workers call it every second. */
  reconcile(): Promise<void>;
  /** Takes no more runs, aborts what is running here, and resolves when it has stopped. */
  close(): Promise<void>;
}

/** The queue of a node without a worker. Workers on other nodes find the runs in the database. */
export const RUN_ELSEWHERE: SyncQueue = { dispatch() {}, cancel() {}, async reconcile() {}, async close() {} };

/** The worker's side. */
export interface RunHandler {
  /** Claims the next run, or returns null if none may begin. `lastSlot`: it takes the worker's last free slot. */
  claim(lastSlot: boolean): Promise<ClaimedRun | null>;
  /** Claims this run. If it is blocked, returns when it may begin; if it is not waiting, returns null. */
  claimNamed(runId: string, lastSlot: boolean): Promise<ClaimedRun | Blocked | null>;
  /**
   * Runs one attempt of a claimed run and handles its errors: never rejects. `onChange` gets the row after each change.
   */
  carryOut(claimed: ClaimedRun, signal: AbortSignal, onChange?: (run: SyncRun) => void): Promise<void>;
}

/** Why a run's signal was aborted. */
export type StopReason = 'cancelled' | 'shutdown' | 'lease-lost' | 'time-limit' | 'gives-way';
