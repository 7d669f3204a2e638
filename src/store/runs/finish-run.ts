import type { Pool } from 'pg';
import { statsOf } from '../../domain/progress.ts';
import type { SyncReceipt } from '../../domain/receipt.ts';
import type { FinishedStatus } from '../../domain/sync-run.ts';
import { ERRORS, type ErrorCode, MailtideError } from '../../errors.ts';
import type { SyncRun } from '../../generated/prisma/client.ts';
import type { EventInput } from '../../timeline/schemas.ts';
import { type At, timeOr } from '../plumbing/clock.ts';
import { inTransaction, sqlOf, type Transaction } from '../plumbing/sql.ts';
import { appendEvents } from '../timeline/append-events.ts';
import { fenced, type Lease } from './lease.ts';
import { isDead, type RunOfTenant } from './requeue-runs.ts';
import { storeReceipt } from './store-receipt.ts';

export interface RunOutcome {
  readonly status: FinishedStatus;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
  /** What a run that SUCCEEDED proved. */
  readonly receipt?: SyncReceipt;
  /** The credentials were refused. Until they change, no login is tried and no run is scheduled. */
  readonly needsAuth?: boolean;
}

/**
 * Ends a run that this worker holds. Run, account status and closing event change together. If the
 * account's login changed after the claim, a refusal of the old login ends the run as CANCELLED, as any login change does.
 */
export function finishRun(pool: Pool, lease: Lease, outcome: RunOutcome, at: At = null): Promise<SyncRun> {
  return fenced(pool, lease, async (tx) => {
    const outdated = outcome.needsAuth && (await hasNewLogin(tx, lease));
    return close(tx, lease.runId, outdated ? { status: 'CANCELLED' } : outcome, at);
  });
}

/** Locks the account, so that its login does not change before the transaction ends. */
async function hasNewLogin(tx: Transaction, { accountId, loginVersion }: Lease): Promise<boolean> {
  const [account] = await tx.query<{ loginVersion: number }>(
    'SELECT login_version FROM email_account WHERE id = $1 FOR UPDATE',
    [accountId],
  );
  return account?.loginVersion !== loginVersion;
}

/**
 * Ends as FAILED the runs whose worker has died after `limit` earlier losses without headway. A run that kills its
 * worker each time would do so forever.
 * @param all includes runs whose lease has not expired, for a process that is alone on the database
 */
export async function failLostRuns(
  pool: Pool,
  { all, limit }: { all: boolean; limit: number },
  at: At = null,
): Promise<RunOfTenant[]> {
  const lost = await sqlOf(pool).query<{ id: string; tenantId: string }>(
    `SELECT r.id, a.tenant_id FROM sync_run r JOIN email_account a ON a.id = r.account_id
     WHERE ${isDead('$1', '$2')} AND r.losses >= $3`,
    [all, at, limit],
  );
  const code = 'SYNC_WORKER_LOST';
  const outcome: RunOutcome = { status: 'FAILED', error: { code, message: ERRORS[code].sentence } };
  const failed: RunOfTenant[] = [];
  for (const { id, tenantId } of lost) {
    const run = await inTransaction(pool, async (tx) => {
      // The run may have been taken over or cancelled since the query.
      const still = await tx.query(`SELECT 1 FROM sync_run r WHERE id = $3 AND ${isDead('$1', '$2')} FOR UPDATE`, [
        all,
        at,
        id,
      ]);
      return still.length > 0 ? close(tx, id, outcome, at) : null;
    });
    if (run) failed.push({ ...run, tenantId });
  }
  return failed;
}

/**
 * Ends an active run as CANCELLED, whichever worker holds it. Its lease ends too, so that the worker can write nothing
 * more. A finished run is returned unchanged.
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
  tx: Transaction,
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
       next_sync_at = CASE WHEN $5 THEN NULL ELSE next_sync_at END, list_unread = coalesce($7, list_unread)
     WHERE id = $1`,
    [
      run!.accountId,
      status,
      error?.code ?? null,
      error?.message ?? null,
      needsAuth,
      at,
      receipt ? receipt.unread.count > 0 : null,
    ],
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
