/**
 * Carries run ids from who starts them to who runs them. A messenger only: what it loses is found again from the rows
 * (src/jobs/recovery.ts), and what it delivers twice is claimed once.
 */
export interface SyncQueue {
  /** Queues the run; a run that is queued or running here already is left alone. */
  dispatch(runId: string): void;
  /** Takes the run out of the queue, or aborts its signal if it is running here. */
  cancel(runId: string): void;
  /** Aborts what is running and resolves when it has stopped. */
  close(): Promise<void>;
}

/** The queue of a node that runs nothing itself: those that do find the run in the rows. */
export const RUN_ELSEWHERE: SyncQueue = { dispatch() {}, cancel() {}, async close() {} };

/** Runs one run to its end; its errors are its own, it never rejects. */
export type RunHandler = (runId: string, signal: AbortSignal) => Promise<void>;

/** Why a run's signal was aborted. */
export type StopReason = 'cancelled' | 'shutdown' | 'lease-lost';
