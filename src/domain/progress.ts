import type { SyncPhase, SyncRunStatus } from './sync-run.ts';

/** Counters of a run, written in the transactions that do the counted work. */
export interface SyncStats {
  readonly mailboxesSynced: number;
  readonly messagesFetched: number;
  readonly messagesCreated: number;
  readonly messagesUpdated: number;
  readonly messagesDeleted: number;
  readonly eventsCreated: number;
  readonly bytesDownloaded: bigint;
  /** From the start of the run's first attempt to its end, or to now. */
  readonly durationMs: number;
}

/** One frame of a run's progress: its row after a commit. Counts are messages, never mailboxes or UIDs. */
export interface SyncProgress {
  readonly tenantId: string;
  readonly accountId: string;
  readonly runId: string;
  /** Grows with every frame of an account, across runs too. */
  readonly sequence: bigint;
  readonly at: Date;
  readonly status: SyncRunStatus;
  readonly phase: SyncPhase;
  readonly attempt: number;
  /** Path of the mailbox in progress. */
  readonly mailbox: string | null;
  readonly messagesProcessed: number;
  /** Null until the server has reported its mailboxes. */
  readonly messagesTotal: number | null;
  readonly bytesProcessed: bigint;
  /** 0 to 100, never less than in an earlier frame of the run; null while the total is unknown. */
  readonly percent: number | null;
  /** Over the last seconds; null before the first measurement. */
  readonly messagesPerSecond: number | null;
  readonly etaSeconds: number | null;
  readonly nextAttemptAt: Date | null;
  readonly stats: SyncStats;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** The columns of `sync_run` that make up a frame. */
export interface SyncRunRow {
  id: string;
  accountId: string;
  status: SyncRunStatus;
  phase: SyncPhase;
  attempt: number;
  requestedAt: Date;
  startedAt: Date | null;
  finishedAt: Date | null;
  nextAttemptAt: Date | null;
  errorCode: string | null;
  errorMessage: string | null;
  sequence: bigint;
  progressAt: Date;
  mailbox: string | null;
  messagesTotal: number | null;
  messagesProcessed: number;
  bytesProcessed: bigint;
  percent: number;
  mailboxesSynced: number;
  messagesFetched: number;
  messagesCreated: number;
  messagesUpdated: number;
  messagesDeleted: number;
  eventsCreated: number;
  bytesDownloaded: bigint;
}

/** Returns the frame of a run's row. The row holds no speed: the worker that measures it passes it in. */
export function progressOf(
  tenantId: string,
  run: SyncRunRow,
  speed: { messagesPerSecond: number | null; etaSeconds: number | null } = {
    messagesPerSecond: null,
    etaSeconds: null,
  },
): SyncProgress {
  return {
    tenantId,
    accountId: run.accountId,
    runId: run.id,
    sequence: run.sequence,
    at: run.progressAt,
    status: run.status,
    phase: run.phase,
    attempt: run.attempt,
    mailbox: run.mailbox,
    messagesProcessed: run.messagesProcessed,
    messagesTotal: run.messagesTotal,
    bytesProcessed: run.bytesProcessed,
    percent: run.messagesTotal === null ? null : run.percent,
    messagesPerSecond: speed.messagesPerSecond,
    etaSeconds: speed.etaSeconds,
    nextAttemptAt: run.nextAttemptAt,
    stats: statsOf(run),
    error: run.errorCode ? { code: run.errorCode, message: run.errorMessage ?? '' } : null,
  };
}

export function statsOf(run: SyncRunRow): SyncStats {
  return {
    mailboxesSynced: run.mailboxesSynced,
    messagesFetched: run.messagesFetched,
    messagesCreated: run.messagesCreated,
    messagesUpdated: run.messagesUpdated,
    messagesDeleted: run.messagesDeleted,
    eventsCreated: run.eventsCreated,
    bytesDownloaded: run.bytesDownloaded,
    // A clock that is set back during a run would make it negative.
    durationMs: run.startedAt ? Math.max(0, (run.finishedAt ?? run.progressAt).getTime() - run.startedAt.getTime()) : 0,
  };
}
