/**
 * A SyncRun is one series of attempts to bring one account up to date.
 *
 *            start                 claim (lease)
 *   (none) ---------> QUEUED --------------------> RUNNING ----> SUCCEEDED
 *                     ^ |  ^                       | | | |
 *                     | |  +--- lease expired -----+ | | +-----> FAILED
 *          retry due  | |  given back, gives way     | |
 *                     | +--------- cancel -----------|-+-------> CANCELLED
 *             WAITING_RETRY <---- transient error ---+              ^
 *                     +------------- cancel ------------------------+
 *
 * At most one run of an account is active (QUEUED, RUNNING, WAITING_RETRY): a partial unique index says so.
 * Who writes for a RUNNING run holds its lease token; each transaction checks it, so that cancelling, or taking over
 * from a dead worker, is one UPDATE and the old worker can write nothing more.
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

/** In the order in which a run goes through them. */
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

export const isActive = (status: SyncRunStatus): boolean => SYNC_RUN_TRANSITIONS[status].length > 0;
