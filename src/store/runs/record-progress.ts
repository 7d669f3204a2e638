import type { Pool } from 'pg';
import type { SyncStats } from '../../domain/progress.ts';
import type { SyncPhase } from '../../domain/sync-run.ts';
import { MailtideError } from '../../errors.ts';
import type { SyncRun } from '../../generated/prisma/client.ts';
import { namedStatement, type Parameters } from '../plumbing/named-statement.ts';
import { type Sql, sqlOf } from '../plumbing/sql.ts';
import { isHeld, type Lease, leaseParameters } from './lease.ts';

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
  const [run] = await tx.query<SyncRun>(RECORD.text, RECORD.values(progressParameters(lease, change)));
  if (!run) throw new MailtideError('LEASE_LOST');
  return run;
}

export const recordProgressNow = (pool: Pool, lease: Lease, change: ProgressChange): Promise<SyncRun> =>
  recordProgress(sqlOf(pool), lease, change);

/** The parameters of {@link recordSql}. */
export function progressParameters(lease: Lease, { phase, mailbox, remaining, add = {} }: ProgressChange): Parameters {
  return {
    ...leaseParameters(lease),
    phase: phase ?? null,
    setsMailbox: mailbox !== undefined,
    mailboxPath: mailbox ?? null,
    remaining: remaining ?? null,
    messagesProcessed: add.messagesProcessed ?? 0,
    bytesProcessed: add.bytesProcessed ?? 0n,
    mailboxesSynced: add.mailboxesSynced ?? 0,
    messagesFetched: add.messagesFetched ?? 0,
    messagesCreated: add.messagesCreated ?? 0,
    messagesUpdated: add.messagesUpdated ?? 0,
    messagesDeleted: add.messagesDeleted ?? 0,
    eventsCreated: add.eventsCreated ?? 0,
    bytesDownloaded: add.bytesDownloaded ?? 0n,
  };
}

/** UPDATE of the run's row, RETURNING it, if `condition` holds, for a named statement. */
export const recordSql = (condition = 'true'): string => `
  UPDATE sync_run SET
    phase = coalesce(@phase::"SyncPhase", phase),
    mailbox = CASE WHEN @setsMailbox THEN @mailboxPath::text ELSE mailbox END,
    messages_total = CASE WHEN @remaining::int IS NULL THEN messages_total
      ELSE messages_processed + @messagesProcessed::int + @remaining::int END,
    messages_processed = messages_processed + @messagesProcessed::int,
    bytes_processed = bytes_processed + @bytesProcessed::bigint,
    mailboxes_synced = mailboxes_synced + @mailboxesSynced::int,
    messages_fetched = messages_fetched + @messagesFetched::int,
    messages_created = messages_created + @messagesCreated::int,
    messages_updated = messages_updated + @messagesUpdated::int,
    messages_deleted = messages_deleted + @messagesDeleted::int,
    events_created = events_created + @eventsCreated::int,
    bytes_downloaded = bytes_downloaded + @bytesDownloaded::bigint,
    percent = greatest(percent, CASE
      WHEN coalesce(@remaining::int + messages_processed + @messagesProcessed::int, messages_total, 0) = 0 THEN 0
      ELSE least(100, 100.0 * (messages_processed + @messagesProcessed::int)
        / coalesce(@remaining::int + messages_processed + @messagesProcessed::int, messages_total)) END),
    losses = CASE WHEN @messagesProcessed::int + @messagesUpdated::int + @messagesDeleted::int > 0 THEN 0 ELSE losses END,
    sequence = sequence + 1,
    progress_at = now()
  WHERE ${isHeld()} AND ${condition}
  RETURNING *`;

const RECORD = namedStatement(recordSql());
