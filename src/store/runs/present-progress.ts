import type { Pool } from 'pg';
import { MailtideError } from '../../errors.ts';
import type { SyncRun } from '../../generated/prisma/client.ts';
import { sqlOf } from '../plumbing/sql.ts';
import { ACTIVE } from './insert-runs.ts';

/**
 * Returns the account's newest run, which is the active one if one is active; null before the first.
 * @throws NOT_FOUND for an account that is not the tenant's.
 */
export async function newestRun(pool: Pool, tenantId: string, accountId: string): Promise<SyncRun | null> {
  const [row] = await sqlOf(pool).query<SyncRun>(
    `SELECT r.* FROM email_account a
     LEFT JOIN LATERAL (SELECT * FROM sync_run WHERE account_id = a.id ORDER BY requested_at DESC LIMIT 1) r ON true
     WHERE a.id = $1 AND a.tenant_id = $2`,
    [accountId, tenantId],
  );
  if (!row) throw new MailtideError('NOT_FOUND');
  return row.id ? row : null;
}

/** Returns the tenant's active runs. */
export function activeRuns(pool: Pool, tenantId: string): Promise<SyncRun[]> {
  return sqlOf(pool).query<SyncRun>(
    `SELECT r.* FROM sync_run r JOIN email_account a ON a.id = r.account_id
     WHERE a.tenant_id = $1 AND r.${ACTIVE} ORDER BY r.requested_at`,
    [tenantId],
  );
}

/** Most runs that are returned for one account, the newest first; more rarely end between two polls. */
const MOST_ENDED = 5;

/**
 * Returns the runs of a tenant, or of one account, that are active or ended within the last `seconds`, in the order of
 * their frames. A subscriber that missed frames catches up with them.
 */
export function recentRuns(
  pool: Pool,
  tenantId: string,
  accountId: string | null,
  seconds: number,
): Promise<SyncRun[]> {
  return sqlOf(pool).query<SyncRun>(
    `SELECT r.* FROM email_account a
     CROSS JOIN LATERAL (
       SELECT * FROM sync_run WHERE account_id = a.id ORDER BY requested_at DESC LIMIT ${MOST_ENDED}
     ) r
     WHERE a.tenant_id = $1 AND ($2::uuid IS NULL OR a.id = $2)
       AND (a.last_sync_at > now() - $3 * interval '1 second'
         OR EXISTS (SELECT 1 FROM sync_run WHERE account_id = a.id AND ${ACTIVE}))
       AND (r.${ACTIVE} OR r.finished_at > now() - $3 * interval '1 second')
     ORDER BY r.account_id, r.sequence`,
    [tenantId, accountId, seconds],
  );
}
