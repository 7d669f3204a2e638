import type { Pool } from 'pg';
import type { PlanReason } from '../../domain/plan-reasons.ts';
import { MailtideError } from '../../errors.ts';
import { namedStatement } from '../plumbing/named-statement.ts';
import { sqlOf } from '../plumbing/sql.ts';
import { isHeld, type Lease, leaseParameters } from './lease.ts';

/** Records in the run's history why a mailbox is synced the way it is. @throws LEASE_LOST */
export async function recordPlan(pool: Pool, lease: Lease, path: string, reason: PlanReason): Promise<void> {
  const noted = await sqlOf(pool).query(
    RECORD_PLAN.text,
    RECORD_PLAN.values({ ...leaseParameters(lease), path, reason }),
  );
  if (noted.length === 0) throw new MailtideError('LEASE_LOST');
}

const RECORD_PLAN = namedStatement(`
  WITH held AS (
    SELECT id, attempt FROM sync_run WHERE ${isHeld()} FOR UPDATE
  )
  INSERT INTO sync_run_mailbox (run_id, path, reason, attempt) SELECT id, @path, @reason, attempt FROM held
  ON CONFLICT (run_id, path) DO UPDATE
    SET reason = excluded.reason, attempt = excluded.attempt, planned_at = excluded.planned_at
  RETURNING 1`);
