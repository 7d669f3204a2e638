import type { Pool } from 'pg';
import type { SyncStats } from '../../domain/progress.ts';
import type { SyncPhase } from '../../domain/sync-run.ts';
import { MailtideError } from '../../errors.ts';
import type { SyncRun } from '../../generated/prisma/client.ts';
import { type Lease, type Sql, sqlOf } from '../plumbing/sql.ts';

export type Counts = Partial<Omit<SyncStats, 'durationMs'>> & { messagesProcessed?: number; bytesProcessed?: bigint };

export interface ProgressChange {
  readonly phase?: SyncPhase;
  /** Path of the mailbox in progress; null for none. */
  readonly mailbox?: string | null;
  /** Number of messages still to process, as far as is known. */
  readonly remaining?: number;
  /** What to add to the run's counters. */
  readonly add?: Counts;
}

/**
 * Writes progress into the run's row, in the transaction of the work that it counts, and returns the row to publish
 * after the commit. The percentage never falls, even if the server receives mail meanwhile.
 * @throws LEASE_LOST if this worker does not hold the run any more.
 */
export async function recordProgress(tx: Sql, lease: Lease, change: ProgressChange): Promise<SyncRun> {
  const [run] = await tx.query<SyncRun>(RECORD, progressValues(lease, change));
  if (!run) throw new MailtideError('LEASE_LOST');
  return run;
}

export const recordProgressNow = (pool: Pool, lease: Lease, change: ProgressChange): Promise<SyncRun> =>
  recordProgress(sqlOf(pool), lease, change);

/** The values of {@link recordSql}. */
export function progressValues(lease: Lease, { phase, mailbox, remaining, add = {} }: ProgressChange): unknown[] {
  return [
    lease.runId,
    lease.token,
    phase ?? null,
    mailbox !== undefined,
    mailbox ?? null,
    remaining ?? null,
    add.messagesProcessed ?? 0,
    add.bytesProcessed ?? 0n,
    add.mailboxesSynced ?? 0,
    add.messagesFetched ?? 0,
    add.messagesCreated ?? 0,
    add.messagesUpdated ?? 0,
    add.messagesDeleted ?? 0,
    add.eventsCreated ?? 0,
    add.bytesDownloaded ?? 0n,
  ];
}

/** Condition that selects the run of the lease. The {@link progressValues} begin at parameter `first`. */
export const heldRun = (first: number): string =>
  `id = $${first} AND lease_token = $${first + 1} AND status = 'RUNNING'`;

/**
 * UPDATE of the run's row, RETURNING it, if `condition` holds. The {@link progressValues} begin at parameter `first`.
 */
export function recordSql(first: number, condition = 'true'): string {
  const at = (n: number): string => `$${first + n}`;
  const [remaining, processed] = [`${at(5)}::int`, `${at(6)}::int`];
  return `
  UPDATE sync_run SET
    phase = coalesce(${at(2)}::"SyncPhase", phase),
    mailbox = CASE WHEN ${at(3)} THEN ${at(4)}::text ELSE mailbox END,
    messages_total = CASE WHEN ${remaining} IS NULL THEN messages_total ELSE messages_processed + ${processed} + ${remaining} END,
    messages_processed = messages_processed + ${processed},
    bytes_processed = bytes_processed + ${at(7)}::bigint,
    mailboxes_synced = mailboxes_synced + ${at(8)}::int,
    messages_fetched = messages_fetched + ${at(9)}::int,
    messages_created = messages_created + ${at(10)}::int,
    messages_updated = messages_updated + ${at(11)}::int,
    messages_deleted = messages_deleted + ${at(12)}::int,
    events_created = events_created + ${at(13)}::int,
    bytes_downloaded = bytes_downloaded + ${at(14)}::bigint,
    percent = greatest(percent, CASE
      WHEN coalesce(${remaining} + messages_processed + ${processed}, messages_total, 0) = 0 THEN 0
      ELSE least(100, 100.0 * (messages_processed + ${processed})
        / coalesce(${remaining} + messages_processed + ${processed}, messages_total)) END),
    losses = CASE WHEN ${processed} + ${at(11)} + ${at(12)} > 0 THEN 0 ELSE losses END,
    sequence = sequence + 1,
    progress_at = now()
  WHERE ${heldRun(first)} AND ${condition}
  RETURNING *`;
}

const RECORD = recordSql(1);
