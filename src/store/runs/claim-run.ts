import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import type { SyncRun } from '../../generated/prisma/client.ts';
import { type Lease, sqlOf } from '../sql.ts';

/** How long a worker may be silent before its run is another's. The heartbeat comes four times as often. */
export const LEASE_SECONDS = 20;

export interface ClaimedRun {
  readonly run: SyncRun;
  readonly lease: Lease;
}

/** Takes a QUEUED run for this worker; null when it is not QUEUED any more. */
export async function claimRun(pool: Pool, runId: string): Promise<ClaimedRun | null> {
  const token = randomUUID();
  const [row] = await sqlOf(pool).query<SyncRun & { tenantId: string }>(
    `UPDATE sync_run r SET status = 'RUNNING', phase = 'CONNECTING', lease_token = $2, ${NEW_LEASE},
       started_at = coalesce(started_at, now()), sequence = sequence + 1, progress_at = now()
     FROM email_account a
     WHERE r.id = $1 AND r.status = 'QUEUED' AND a.id = r.account_id
     RETURNING r.*, a.tenant_id`,
    [runId, token],
  );
  if (!row) return null;
  const { tenantId, ...run } = row;
  return { run, lease: { runId, accountId: run.accountId, tenantId, token } };
}

/** False when the lease is lost: the run was cancelled, or taken over. */
export async function extendLease(pool: Pool, lease: Lease): Promise<boolean> {
  const rows = await sqlOf(pool).query(
    `UPDATE sync_run SET ${NEW_LEASE} WHERE id = $1 AND lease_token = $2 AND status = 'RUNNING' RETURNING 1`,
    [lease.runId, lease.token],
  );
  return rows.length > 0;
}

/** The database's clock decides: workers' clocks differ. */
const NEW_LEASE = `lease_expires_at = now() + interval '${LEASE_SECONDS} seconds'`;
