import type { Pool } from 'pg';
import { choosePreempted, nextSliceMs, type TimeSlice, type Waiting } from '../../domain/time-slice.ts';
import type { SyncRun } from '../../generated/prisma/client.ts';
import { type At, type Parameter, timeOr } from '../plumbing/clock.ts';
import { namedStatement } from '../plumbing/named-statement.ts';
import { inTransaction, type Sql, sqlOf } from '../plumbing/sql.ts';
import { isHeld, type Lease, leaseParameters } from './lease.ts';
import { mayBegin } from './queue-order.ts';

/** A run queued for this long means that no worker has a free slot: one that has takes a run at once. */
const HAS_WAITED = `interval '400 milliseconds'`;

/**
 * Returns the ids of the runs to preempt (domain/time-slice.ts), on all nodes. Every node computes the same result from
 * the same rows, so that only one run is preempted for a waiting one.
 */
export async function runsToPreempt(pool: Pool, at: At = null): Promise<string[]> {
  const sql = sqlOf(pool);
  const isWaiting = `r.status = 'QUEUED' AND r.queued_at <= ${timeOr('$1')} - ${HAS_WAITED}`;
  const some = await sql.query(`SELECT 1 FROM sync_run r WHERE ${isWaiting} LIMIT 1`, [at]);
  if (some.length === 0) return [];
  const waiting = await sql.query<Waiting>(
    `SELECT a.tenant_id, a.imap_host AS host, r.trigger,
       extract(epoch FROM ${timeOr('$1')} - t.served_at)::float8 * 1000 AS served_ms
     FROM sync_run r JOIN email_account a ON a.id = r.account_id JOIN tenant t ON t.id = a.tenant_id
     WHERE ${isWaiting} AND ${mayBegin('$1')}
     GROUP BY a.tenant_id, a.imap_host, r.trigger, t.served_at ORDER BY t.served_at NULLS FIRST`,
    [at],
  );
  return waiting.length === 0 ? [] : choosePreempted(await timeSlices(sql, at), waiting);
}

const timeSlices = (sql: Sql, at: At): Promise<TimeSlice[]> =>
  sql.query<TimeSlice>(
    `SELECT r.id AS run_id, a.tenant_id, a.imap_host AS host, r.trigger, r.turn_ms, ${sliceSoFar('$1')} AS ms
     FROM sync_run r JOIN email_account a ON a.id = r.account_id WHERE r.status = 'RUNNING'`,
    [at],
  );

const sliceSoFar = (at: Parameter): string => `extract(epoch FROM ${timeOr(at)} - r.turn_began_at)::float8 * 1000`;

/**
 * Returns a run that this worker holds to the queue. The run keeps its position among those of its tenant, and the
 * tenant counts as served. This is neither a failure nor another attempt. Returns null if the lease is lost.
 */
export function preempt(pool: Pool, lease: Lease, madeHeadway: boolean, at: At = null): Promise<SyncRun | null> {
  return inTransaction(pool, async (tx) => {
    const [slice] = await tx.query<Pick<TimeSlice, 'turnMs' | 'ms'>>(
      PRESENT_SLICE.text,
      PRESENT_SLICE.values({ ...leaseParameters(lease), at }),
    );
    if (!slice) return null;
    const [run] = await tx.query<SyncRun>(
      `UPDATE sync_run SET status = 'QUEUED', phase = 'QUEUED', lease_token = NULL, lease_expires_at = NULL,
         mailbox = NULL, turn_ms = $2, sequence = sequence + 1, progress_at = ${timeOr('$3')}
       WHERE id = $1 RETURNING *`,
      [lease.runId, Math.round(nextSliceMs(slice, madeHeadway)), at],
    );
    await tx.query(`UPDATE tenant SET served_at = ${timeOr('$2')} WHERE id = $1`, [lease.tenantId, at]);
    return run!;
  });
}

const PRESENT_SLICE = namedStatement(
  `SELECT r.turn_ms, ${sliceSoFar('@at')} AS ms FROM sync_run r WHERE ${isHeld('r')} FOR UPDATE`,
);
