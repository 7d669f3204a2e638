import type { Pool } from 'pg';
import { statsOf } from '../../domain/progress.ts';
import type { SyncReceipt } from '../../domain/receipt.ts';
import type { FinishedStatus } from '../../domain/sync-run.ts';
import { type ErrorCode, MailtideError } from '../../errors.ts';
import type { SyncRun } from '../../generated/prisma/client.ts';
import type { EventInput } from '../../timeline/schemas.ts';
import { appendEvents } from '../append-events.ts';
import { type At, timeOr } from '../clock.ts';
import { fenced, inTransaction, type Lease, type Sql } from '../sql.ts';
import { storeReceipt } from './store-receipt.ts';

export interface RunOutcome {
  readonly status: FinishedStatus;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
  /** What a run that SUCCEEDED proved. */
  readonly receipt?: SyncReceipt;
  /** The credentials were refused: no login is tried, and nothing is scheduled, before they change. */
  readonly needsAuth?: boolean;
}

/** Ends a run that this worker holds. Run, account status and closing event change together. */
export function finishRun(pool: Pool, lease: Lease, outcome: RunOutcome, at: At = null): Promise<SyncRun> {
  return fenced(pool, lease, (tx) => close(tx, lease.runId, outcome, at));
}

/**
 * Ends any active run as CANCELLED, whoever holds it: the lease is taken away with it, so that its worker can write
 * nothing more. A finished run is returned as it is.
 * @throws NOT_FOUND for a run that is not the tenant's.
 */
export function cancelRun(
  pool: Pool,
  tenantId: string,
  runId: string,
  at: At = null,
): Promise<{ run: SyncRun; cancelled: boolean }> {
  return inTransaction(pool, async (tx) => {
    const [run] = await tx.query<SyncRun>(
      `SELECT r.* FROM sync_run r JOIN email_account a ON a.id = r.account_id
       WHERE r.id = $1 AND a.tenant_id = $2 FOR UPDATE OF r`,
      [runId, tenantId],
    );
    if (!run) throw new MailtideError('NOT_FOUND');
    if (run.finishedAt) return { run, cancelled: false };
    return { run: await close(tx, runId, { status: 'CANCELLED' }, at), cancelled: true };
  });
}

async function close(
  tx: Sql,
  runId: string,
  { status, error, needsAuth = false, receipt }: RunOutcome,
  at: At,
): Promise<SyncRun> {
  const [run] = await tx.query<SyncRun>(
    `UPDATE sync_run SET status = $2::"SyncRunStatus", phase = 'DONE', mailbox = NULL, finished_at = ${timeOr('$5')},
       lease_token = NULL, lease_expires_at = NULL, next_attempt_at = NULL, error_code = $3, error_message = $4,
       percent = CASE WHEN $2::"SyncRunStatus" = 'SUCCEEDED' THEN 100 ELSE percent END,
       messages_total = CASE WHEN $2::"SyncRunStatus" = 'SUCCEEDED' THEN messages_processed ELSE messages_total END,
       sequence = sequence + 1, progress_at = ${timeOr('$5')}
     WHERE id = $1 RETURNING *`,
    [runId, status, error?.code ?? null, error?.message ?? null, at],
  );
  await tx.query(
    `UPDATE email_account SET last_sync_at = ${timeOr('$6')}, last_sync_status = $2::"SyncRunStatus", last_sync_error_code = $3,
       last_sync_error_message = $4, sync_count = sync_count + 1, updated_at = now(),
       needs_auth_since = CASE WHEN $5 THEN ${timeOr('$6')} ELSE needs_auth_since END,
       next_sync_at = CASE WHEN $5 THEN NULL ELSE next_sync_at END
     WHERE id = $1`,
    [run!.accountId, status, error?.code ?? null, error?.message ?? null, needsAuth, at],
  );
  if (receipt) await storeReceipt(tx, runId, receipt);
  const events = [closingEvent(run!, status, error?.code)];
  if (needsAuth) {
    events.push({ type: 'account_needs_auth', payload: { runId, errorCode: error?.code ?? 'IMAP_AUTH_FAILED' } });
  }
  await appendEvents(tx, run!.accountId, events, at ?? undefined);
  return run!;
}

function closingEvent(run: SyncRun, status: FinishedStatus, errorCode?: ErrorCode): EventInput {
  const { bytesDownloaded, ...counts } = statsOf(run);
  const payload = {
    runId: run.id,
    mode: run.mode,
    attempt: run.attempt,
    stats: { ...counts, bytesDownloaded: bytesDownloaded.toString() },
  };
  switch (status) {
    case 'SUCCEEDED':
      return { type: 'sync_succeeded', payload };
    case 'CANCELLED':
      return { type: 'sync_cancelled', payload };
    case 'FAILED':
      return { type: 'sync_failed', payload: { ...payload, errorCode: errorCode ?? 'INTERNAL' } };
  }
}
