import type { Pool } from 'pg';
import type { PlanReason } from '../../domain/plan-reasons.ts';
import { MailtideError } from '../../errors.ts';
import { type Lease, sqlOf } from '../plumbing/sql.ts';

/** Records in the run's history why a mailbox is synced the way it is. @throws LEASE_LOST */
export async function recordPlan(pool: Pool, lease: Lease, path: string, reason: PlanReason): Promise<void> {
  const noted = await sqlOf(pool).query(
    `WITH held AS (
       SELECT id, attempt FROM sync_run WHERE id = $1 AND lease_token = $2 AND status = 'RUNNING' FOR UPDATE
     )
     INSERT INTO sync_run_mailbox (run_id, path, reason, attempt) SELECT id, $3, $4, attempt FROM held
     ON CONFLICT (run_id, path) DO UPDATE
       SET reason = excluded.reason, attempt = excluded.attempt, planned_at = excluded.planned_at
     RETURNING 1`,
    [lease.runId, lease.token, path, reason],
  );
  if (noted.length === 0) throw new MailtideError('LEASE_LOST');
}
