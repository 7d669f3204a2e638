import type { Pool } from 'pg';
import { newId } from '../../domain/ids.ts';
import type { SyncMode, SyncTrigger } from '../../domain/sync-run.ts';
import { MailtideError } from '../../errors.ts';
import type { SyncRun } from '../../generated/prisma/client.ts';
import { sqlOf } from '../sql.ts';

/**
 * The account's active run, or a new QUEUED one. One statement, so that the answer is quick while a sync writes; that
 * there is never a second active run is the partial unique index's doing.
 * @throws NOT_FOUND for an account that is not the tenant's, ACCOUNT_PAUSED.
 */
export async function startRun(
  pool: Pool,
  tenantId: string,
  accountId: string,
  mode: SyncMode,
  trigger: SyncTrigger,
): Promise<{ run: SyncRun; alreadyActive: boolean }> {
  const sql = sqlOf(pool);
  // A run that ends between our INSERT (which then did nothing) and our look at it leaves us with none: ask again.
  for (;;) {
    const [row] = await sql.query<SyncRun & { isPaused: boolean; isNew: boolean }>(START, [
      accountId,
      tenantId,
      newId(),
      mode,
      trigger,
    ]);
    if (!row) throw new MailtideError('NOT_FOUND');
    const { isPaused, isNew, ...run } = row;
    if (run.id) return { run, alreadyActive: !isNew };
    if (isPaused) throw new MailtideError('ACCOUNT_PAUSED');
  }
}

/** The frames of an account are numbered on from one run to the next (SyncProgress.sequence). */
const START = `
  WITH account AS (
    SELECT id, is_active FROM email_account WHERE id = $1 AND tenant_id = $2
  ), started AS (
    INSERT INTO sync_run (id, account_id, mode, trigger, sequence)
    SELECT $3, id, $4::"SyncMode", $5::"SyncTrigger", 1 + coalesce(
      (SELECT sequence FROM sync_run r WHERE r.account_id = account.id ORDER BY requested_at DESC LIMIT 1), 0)
    FROM account WHERE is_active
    ON CONFLICT (account_id) WHERE status IN ('QUEUED', 'RUNNING', 'WAITING_RETRY') DO NOTHING
    RETURNING *
  ), run AS (
    SELECT *, true AS is_new FROM started
    UNION ALL
    SELECT r.*, false FROM sync_run r JOIN account ON r.account_id = account.id
    WHERE r.status IN ('QUEUED', 'RUNNING', 'WAITING_RETRY')
  )
  SELECT run.*, NOT account.is_active AS is_paused FROM account LEFT JOIN run ON true`;
