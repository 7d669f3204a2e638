import type { SyncRun } from '../../generated/prisma/client.ts';
import type { Blocked, ClaimedRun } from '../../store/runs/claim-run.ts';

/**
 * Tells workers of runs to do. A messenger only: whether a run may begin, and whose it is, its row says
 * (store/runs/claim-run.ts), and what a message is lost for is found again from the rows (jobs/maintenance/recovery.ts). What a
 * message says of priority and time is read from the row too, so a message can be sent again at any moment.
 *
 * Two adapters, one conformance suite (test/jobs/queue-conformance.test.ts): within a process (local-queue.ts), and
 * BullMQ between any number of them (bullmq-queue.ts). A run's place in the queue is read from the rows with both.
 */
export interface SyncQueue {
  /** Runs were QUEUED, or wait for another attempt at their `nextAttemptAt`. Returns at once, and never throws. */
  dispatch(runs: readonly SyncRun[]): void;
  /** A run was CANCELLED: its message is taken back, and its signal is aborted, on whatever node it runs. */
  cancel(run: SyncRun): void;
  /** Makes good for messages that did not arrive. Called every second by workers. */
  reconcile(): Promise<void>;
  /** Takes no more runs, aborts what is running here, and resolves when it has stopped. */
  close(): Promise<void>;
}

/** The queue of a node that runs nothing itself: those that do find the run in the rows. */
export const RUN_ELSEWHERE: SyncQueue = { dispatch() {}, cancel() {}, async reconcile() {}, async close() {} };

/** The worker's side. */
export interface RunHandler {
  /** Takes the next run for this worker, on the last of its places or not; null when there is none that may begin now. */
  claim(lastPlace: boolean): Promise<ClaimedRun | null>;
  /** Takes this run; or says until when it may not begin; null when it is not waiting any more. */
  claimNamed(runId: string, lastPlace: boolean): Promise<ClaimedRun | Blocked | null>;
  /** Runs a claimed run to its end; its errors are its own, it never rejects. `tell` gets its row after every change. */
  carryOut(claimed: ClaimedRun, signal: AbortSignal, tell?: (run: SyncRun) => void): Promise<void>;
}

/** Why a run's signal was aborted. */
export type StopReason = 'cancelled' | 'shutdown' | 'lease-lost' | 'time-limit' | 'gives-way';
