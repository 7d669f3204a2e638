/**
 * A SyncRun is one series of attempts to bring one account up to date.
 *
 *              [1]            [2]              [6]
 *   (none) ---------> QUEUED ------> RUNNING -------> SUCCEEDED
 *                     ^  | ^           | | | |   [7]
 *                     |  | +----[3]----+ | | +------> FAILED
 *                     |  |               | |     [8]
 *                     |  |               | +--------> CANCELLED
 *                     |  +---------------|-------[9]-----^ ^
 *                    [5]                [4]                |
 *                     |                  |                 |
 *                  WAITING_RETRY <-------+                 |
 *                        +-----------------------[9]-------+
 *
 * Each transition and the function that makes it (src/store/runs/):
 *
 *   [1] the API or the schedule asks for a run   startRun (start-run.ts), startDueRuns (start-due-runs.ts)
 *   [2] a worker claims it and gets its lease    claimNextRun, claimRun (claim-run.ts)
 *   [3] the run is preempted                     preempt (preempt.ts)
 *       the worker shuts down, or the attempt
 *       hits its time limit after headway        giveBackRun (requeue-runs.ts)
 *       the lease expires                        requeueDeadRuns (requeue-runs.ts)
 *   [4] the attempt fails, and is to be retried  postponeRun (postpone-run.ts)
 *   [5] the retry is due                         queueDueRetries; queueDueRetry, before [2] (requeue-runs.ts)
 *   [6] the attempt completes                    finishRun (finish-run.ts)
 *   [7] the attempt fails for good               finishRun (finish-run.ts)
 *       the lease expires once too often         failLostRuns (finish-run.ts)
 *   [8] a user cancels it, or pauses, deletes
 *       or changes the login of the account      cancelRun (finish-run.ts)
 *       a login was refused that has changed     finishRun (finish-run.ts)
 *   [9] as [8], before a worker claims it        cancelRun (finish-run.ts)
 *
 * At most one run of an account is active (QUEUED, RUNNING, WAITING_RETRY): a partial unique index enforces it.
 * The worker of a RUNNING run holds its lease token, and each of its transactions checks the token. So a single UPDATE
 * cancels a run or takes it over from a dead worker, and the old worker can write nothing more.
 */
export const SYNC_RUN_TRANSITIONS = {
  QUEUED: ['RUNNING', 'CANCELLED'],
  RUNNING: ['QUEUED', 'WAITING_RETRY', 'SUCCEEDED', 'FAILED', 'CANCELLED'],
  WAITING_RETRY: ['QUEUED', 'CANCELLED'],
  SUCCEEDED: [],
  FAILED: [],
  CANCELLED: [],
} as const satisfies Record<string, readonly string[]>;

export type SyncRunStatus = keyof typeof SYNC_RUN_TRANSITIONS;
export type FinishedStatus = 'SUCCEEDED' | 'FAILED' | 'CANCELLED';
export type SyncMode = 'INCREMENTAL' | 'FULL';
export type SyncTrigger = 'USER' | 'SCHEDULE';

/** In the order in which a run enters them. */
export const SYNC_PHASES = [
  'QUEUED',
  'CONNECTING',
  'DISCOVERING',
  'ENUMERATING',
  'FETCHING',
  'FINISHING',
  'DONE',
] as const;
export type SyncPhase = (typeof SYNC_PHASES)[number];

/** A run in one of these statuses is active: it has not ended yet. */
export const ACTIVE_STATUSES: readonly SyncRunStatus[] = (Object.keys(SYNC_RUN_TRANSITIONS) as SyncRunStatus[]).filter(
  (status) => SYNC_RUN_TRANSITIONS[status].length > 0,
);

export const isActive = (status: SyncRunStatus): boolean => ACTIVE_STATUSES.includes(status);
