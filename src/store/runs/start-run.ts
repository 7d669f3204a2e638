import type { Pool } from 'pg';
import { newId } from '../../domain/ids.ts';
import type { SyncMode, SyncTrigger } from '../../domain/sync-run.ts';
import { MailtideError } from '../../errors.ts';
import type { SyncRun } from '../../generated/prisma/client.ts';
import type { At } from '../plumbing/clock.ts';
import { sqlOf } from '../plumbing/sql.ts';
import { ACTIVE, insertRuns } from './insert-runs.ts';

/**
 * Returns the account's active run, or a new QUEUED one. One statement, so that the answer is quick while a sync
 * writes. A partial unique index prevents a second active run.
 * @throws NOT_FOUND for an account that is not the tenant's, ACCOUNT_PAUSED, ACCOUNT_NEEDS_AUTH.
 */
export async function startRun(
  pool: Pool,
  tenantId: string,
  accountId: string,
  mode: SyncMode,
  trigger: SyncTrigger,
  at: At = null,
  traceParent: string | null = null,
): Promise<{ run: SyncRun; alreadyActive: boolean }> {
  const sql = sqlOf(pool);
  // If the active run ends between the INSERT, which then inserts nothing, and the SELECT, neither finds a run: repeat.
  for (;;) {
    const [row] = await sql.query<SyncRun & { isPaused: boolean; needsAuth: boolean; isNew: boolean }>(START, [
      accountId,
      tenantId,
      newId(),
      mode,
      trigger,
      at,
      traceParent,
    ]);
    if (!row) throw new MailtideError('NOT_FOUND');
    const { isPaused, needsAuth, isNew, ...run } = row;
    if (run.id) return { run, alreadyActive: !isNew };
    if (isPaused) throw new MailtideError('ACCOUNT_PAUSED');
    if (needsAuth) throw new MailtideError('ACCOUNT_NEEDS_AUTH');
  }
}

const START = `
  WITH account AS (
    SELECT id, is_active, needs_auth_since IS NOT NULL AS needs_auth FROM email_account WHERE id = $1 AND tenant_id = $2
  ), started AS (
    ${insertRuns(
      `SELECT $3::uuid AS run_id, id AS account_id, $4::"SyncMode" AS mode, $5::"SyncTrigger" AS trigger,
         $7::text AS trace_parent
       FROM account WHERE is_active AND NOT needs_auth`,
      '$6',
    )}
  ), run AS (
    SELECT *, true AS is_new FROM started
    UNION ALL
    SELECT r.*, false FROM sync_run r JOIN account ON r.account_id = account.id WHERE r.${ACTIVE}
  )
  SELECT run.*, NOT account.is_active AS is_paused, account.needs_auth FROM account LEFT JOIN run ON true`;
