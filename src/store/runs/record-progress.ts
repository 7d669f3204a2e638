import type { Pool } from 'pg';
import type { SyncStats } from '../../domain/progress.ts';
import type { SyncPhase } from '../../domain/sync-run.ts';
import { MailtideError } from '../../errors.ts';
import type { SyncRun } from '../../generated/prisma/client.ts';
import { type Lease, type Sql, sqlOf } from '../sql.ts';

export type Counts = Partial<Omit<SyncStats, 'durationMs'>> & { messagesProcessed?: number; bytesProcessed?: bigint };

export interface ProgressChange {
  readonly phase?: SyncPhase;
  /** Path of the mailbox that is being worked on; null when none is. */
  readonly mailbox?: string | null;
  /** How many messages are still to be processed, as far as is known now. */
  readonly remaining?: number;
  /** What to add to the run's counters. */
  readonly add?: Counts;
}

/**
 * Writes a step of the run into its row, in the transaction of the work that it counts, and returns the row to publish
 * after the commit. The percentage never falls, also when the server receives new mail meanwhile.
 * @throws LEASE_LOST when the run is not this worker's any more.
 */
export async function recordProgress(tx: Sql, lease: Lease, change: ProgressChange): Promise<SyncRun> {
  const [run] = await tx.query<SyncRun>(RECORD, [lease.runId, ...progressValues(lease, change)]);
  if (!run) throw new MailtideError('LEASE_LOST');
  return run;
}

export const recordProgressNow = (pool: Pool, lease: Lease, change: ProgressChange): Promise<SyncRun> =>
  recordProgress(sqlOf(pool), lease, change);

function progressValues(lease: Lease, { phase, mailbox, remaining, add = {} }: ProgressChange): unknown[] {
  return [
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

const RECORD = `
  UPDATE sync_run SET
    phase = coalesce($3::"SyncPhase", phase),
    mailbox = CASE WHEN $4 THEN $5::text ELSE mailbox END,
    messages_total = CASE WHEN $6::int IS NULL THEN messages_total ELSE messages_processed + $7::int + $6 END,
    messages_processed = messages_processed + $7,
    bytes_processed = bytes_processed + $8::bigint,
    mailboxes_synced = mailboxes_synced + $9::int,
    messages_fetched = messages_fetched + $10::int,
    messages_created = messages_created + $11::int,
    messages_updated = messages_updated + $12::int,
    messages_deleted = messages_deleted + $13::int,
    events_created = events_created + $14::int,
    bytes_downloaded = bytes_downloaded + $15::bigint,
    percent = greatest(percent, CASE WHEN coalesce($6 + messages_processed + $7, messages_total, 0) = 0 THEN 0
      ELSE least(100, 100.0 * (messages_processed + $7) / coalesce($6 + messages_processed + $7, messages_total)) END),
    losses = CASE WHEN $7::int + $12::int + $13::int > 0 THEN 0 ELSE losses END,
    sequence = sequence + 1,
    progress_at = now()
  WHERE id = $1 AND lease_token = $2 AND status = 'RUNNING'
  RETURNING *`;
