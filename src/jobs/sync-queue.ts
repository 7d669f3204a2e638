import type { ClaimedRun } from '../store/runs/claim-run.ts';

/**
 * Tells workers that there may be something to do. A messenger only: which run is next, and whose it is, the rows say
 * (src/store/runs/claim-run.ts), and what a message is lost for is found again from them (src/jobs/recovery.ts).
 */
export interface SyncQueue {
  /** Somebody has queued a run, or has made room for one. */
  wake(): void;
  /** Aborts the run's signal if it is running here. */
  cancel(runId: string): void;
  /** Aborts what is running and resolves when it has stopped. */
  close(): Promise<void>;
}

/** The queue of a node that runs nothing itself: those that do find the run in the rows. */
export const RUN_ELSEWHERE: SyncQueue = { wake() {}, cancel() {}, async close() {} };

export interface RunHandler {
  /** Takes the next run for this worker, on the last of its places or not; null when there is none that may begin now. */
  claim(lastPlace: boolean): Promise<ClaimedRun | null>;
  /** Runs a claimed run to its end; its errors are its own, it never rejects. */
  carryOut(claimed: ClaimedRun, signal: AbortSignal): Promise<void>;
}

/** Why a run's signal was aborted. */
export type StopReason = 'cancelled' | 'shutdown' | 'lease-lost' | 'time-limit' | 'gives-way';
