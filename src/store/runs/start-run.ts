import type { Pool } from 'pg';
import { newId } from '../../domain/ids.ts';
import type { SyncMode, SyncTrigger } from '../../domain/sync-run.ts';
import { MailtideError } from '../../errors.ts';
import type { SyncRun } from '../../generated/prisma/client.ts';
import { type At, timeOr } from '../clock.ts';
import { sqlOf } from '../sql.ts';

/**
 * The account's active run, or a new QUEUED one. One statement, so that the answer is quick while a sync writes; that
 * there is never a second active run is the partial unique index's doing.
 * @throws NOT_FOUND for an account that is not the tenant's, ACCOUNT_PAUSED, ACCOUNT_NEEDS_AUTH.
 */
export async function startRun(
  pool: Pool,
  tenantId: string,
  accountId: string,
  mode: SyncMode,
  trigger: SyncTrigger,
  at: At = null,
): Promise<{ run: SyncRun; alreadyActive: boolean }> {
  const sql = sqlOf(pool);
  // A run that ends between our INSERT (which then did nothing) and our look at it leaves us with none: ask again.
  for (;;) {
    const [row] = await sql.query<SyncRun & { isPaused: boolean; needsAuth: boolean; isNew: boolean }>(START, [
      accountId,
      tenantId,
      newId(),
      mode,
      trigger,
      at,
    ]);
    if (!row) throw new MailtideError('NOT_FOUND');
    const { isPaused, needsAuth, isNew, ...run } = row;
    if (run.id) return { run, alreadyActive: !isNew };
    if (isPaused) throw new MailtideError('ACCOUNT_PAUSED');
    if (needsAuth) throw new MailtideError('ACCOUNT_NEEDS_AUTH');
  }
}

/** The frames of an account are numbered on from one run to the next (SyncProgress.sequence). */
const START = `
  WITH account AS (
    SELECT id, is_active, needs_auth_since IS NOT NULL AS needs_auth FROM email_account WHERE id = $1 AND tenant_id = $2
  ), started AS (
    INSERT INTO sync_run (id, account_id, mode, trigger, requested_at, queued_at, progress_at, sequence)
    SELECT $3, id, $4::"SyncMode", $5::"SyncTrigger", ${timeOr('$6')}, ${timeOr('$6')}, ${timeOr('$6')}, 1 + coalesce(
      (SELECT sequence FROM sync_run r WHERE r.account_id = account.id ORDER BY requested_at DESC LIMIT 1), 0)
    FROM account WHERE is_active AND NOT needs_auth
    ON CONFLICT (account_id) WHERE status IN ('QUEUED', 'RUNNING', 'WAITING_RETRY') DO NOTHING
    RETURNING *
  ), run AS (
    SELECT *, true AS is_new FROM started
    UNION ALL
    SELECT r.*, false FROM sync_run r JOIN account ON r.account_id = account.id
    WHERE r.status IN ('QUEUED', 'RUNNING', 'WAITING_RETRY')
  )
  SELECT run.*, NOT account.is_active AS is_paused, account.needs_auth FROM account LEFT JOIN run ON true`;
