import type { Pool } from 'pg';
import type { SyncRun } from '../../generated/prisma/client.ts';
import { type At, type Parameter, timeOr } from '../plumbing/clock.ts';
import { namedStatement } from '../plumbing/named-statement.ts';
import { type Sql, sqlOf } from '../plumbing/sql.ts';
import { isHeld, type Lease, leaseParameters } from './lease.ts';

export type RunOfTenant = SyncRun & { tenantId: string };

const backToQueue = (at: Parameter): string => `status = 'QUEUED', phase = 'QUEUED', attempt = attempt + 1,
  lease_token = NULL, lease_expires_at = NULL, next_attempt_at = NULL, mailbox = NULL, sequence = sequence + 1,
  progress_at = ${timeOr(at)}`;

/** Condition on `r` (sync_run): its worker is dead. With `all`, that of every RUNNING run is. */
export const isDead = (all: `$${number}`, at: `$${number}`): string =>
  `r.status = 'RUNNING' AND (${all} OR r.lease_expires_at < ${timeOr(at)})`;

/**
 * Returns the runs of dead workers to the queue: those RUNNING with an expired lease or, with `all`, every RUNNING run
 * (for a process that is alone on the database). Their stored messages and progress stay. The loss is counted until the
 * run makes headway; `failLostRuns` first ends the runs that were lost too often. The loss counts for all runs of the
 * worker: docs/decisions/0006-losses-count-for-all-runs.md.
 */
export function requeueDeadRuns(pool: Pool, all: boolean, at: At = null): Promise<RunOfTenant[]> {
  return sqlOf(pool).query<RunOfTenant>(
    `UPDATE sync_run r SET ${backToQueue('$2')}, losses = losses + 1 FROM email_account a
     WHERE a.id = r.account_id AND ${isDead('$1', '$2')}
     RETURNING r.*, a.tenant_id`,
    [all, at],
  );
}

/** Queues the runs whose retry is due. */
export function queueDueRetries(pool: Pool, at: At = null): Promise<RunOfTenant[]> {
  return sqlOf(pool).query<RunOfTenant>(
    `UPDATE sync_run r SET ${backToQueue('$1')}, queued_at = ${timeOr('$1')} FROM email_account a
     WHERE a.id = r.account_id AND r.status = 'WAITING_RETRY' AND r.next_attempt_at <= ${timeOr('$1')}
     RETURNING r.*, a.tenant_id`,
    [at],
  );
}

/** Queues one run that waits for a retry, just before it is claimed. */
export async function queueDueRetry(tx: Sql, runId: string, at: At): Promise<void> {
  await tx.query(
    `UPDATE sync_run SET ${backToQueue('$2')}, queued_at = ${timeOr('$2')} WHERE id = $1 AND status = 'WAITING_RETRY'`,
    [runId, at],
  );
}

/**
 * Returns a run that this worker holds to the queue: to its former position (at shutdown), or `toTheEnd` (after its
 * time limit). Returns null if the lease is lost.
 */
export async function giveBackRun(pool: Pool, lease: Lease, toTheEnd = false, at: At = null): Promise<SyncRun | null> {
  const [run] = await sqlOf(pool).query<SyncRun>(
    GIVE_BACK.text,
    GIVE_BACK.values({ ...leaseParameters(lease), at, toTheEnd }),
  );
  return run ?? null;
}

const GIVE_BACK = namedStatement(`
  UPDATE sync_run SET ${backToQueue('@at')}, queued_at = CASE WHEN @toTheEnd THEN ${timeOr('@at')} ELSE queued_at END
  WHERE ${isHeld()} RETURNING *`);
