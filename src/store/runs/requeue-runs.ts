import type { Pool } from 'pg';
import type { SyncRun } from '../../generated/prisma/client.ts';
import { type Lease, sqlOf } from '../sql.ts';

export type RunOfTenant = SyncRun & { tenantId: string };

const BACK_TO_QUEUE = `status = 'QUEUED', phase = 'QUEUED', attempt = attempt + 1, lease_token = NULL,
  lease_expires_at = NULL, mailbox = NULL, sequence = sequence + 1, progress_at = now()`;

/**
 * Gives back to the queue what a dead worker held: RUNNING with an expired lease or, with `all`, every RUNNING run
 * (for a process that knows itself alone on the database). What it had stored stays, and so does its progress.
 */
export function requeueDeadRuns(pool: Pool, all: boolean): Promise<RunOfTenant[]> {
  return sqlOf(pool).query<RunOfTenant>(
    `UPDATE sync_run r SET ${BACK_TO_QUEUE} FROM email_account a
     WHERE a.id = r.account_id AND r.status = 'RUNNING' AND ($1 OR r.lease_expires_at < now())
     RETURNING r.*, a.tenant_id`,
    [all],
  );
}

/** Gives back a run that this worker holds, at its shutdown. Null when it was not held any more. */
export async function giveBackRun(pool: Pool, lease: Lease): Promise<SyncRun | null> {
  const [run] = await sqlOf(pool).query<SyncRun>(
    `UPDATE sync_run SET ${BACK_TO_QUEUE} WHERE id = $1 AND lease_token = $2 AND status = 'RUNNING' RETURNING *`,
    [lease.runId, lease.token],
  );
  return run ?? null;
}

/** Runs that wait for a worker, oldest first. */
export async function queuedRunIds(pool: Pool): Promise<string[]> {
  const rows = await sqlOf(pool).query<{ id: string }>(
    `SELECT id FROM sync_run WHERE status = 'QUEUED' ORDER BY requested_at`,
  );
  return rows.map((row) => row.id);
}
