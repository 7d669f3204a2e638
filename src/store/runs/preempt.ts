import type { Pool } from 'pg';
import { choosePreempted, nextSliceMs, type TimeSlice, type Waiting } from '../../domain/time-slice.ts';
import type { SyncRun } from '../../generated/prisma/client.ts';
import { type At, timeOr } from '../plumbing/clock.ts';
import { inTransaction, type Lease, type Sql, sqlOf } from '../plumbing/sql.ts';
import { mayBegin } from './queue-order.ts';

/** Who has waited for that long finds no place free anywhere: workers that have one take a run at once. */
const HAS_WAITED = `interval '400 milliseconds'`;

/**
 * The runs that are to give their places up to others (domain/time-slice.ts), of all nodes: each says the same of the same
 * rows, so that several do not make room for one that waits.
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
  return waiting.length === 0 ? [] : choosePreempted(await turns(sql, at), waiting);
}

const turns = (sql: Sql, at: At): Promise<TimeSlice[]> =>
  sql.query<TimeSlice>(
    `SELECT r.id AS run_id, a.tenant_id, a.imap_host AS host, r.trigger, r.turn_ms, ${turnSoFar('$1')} AS ms
     FROM sync_run r JOIN email_account a ON a.id = r.account_id WHERE r.status = 'RUNNING'`,
    [at],
  );

const turnSoFar = (at: `$${number}`): string => `extract(epoch FROM ${timeOr(at)} - r.turn_began_at)::float8 * 1000`;

/**
 * Ends the turn of a run that this worker holds: it keeps its place among those of its tenant, which has had its turn.
 * Neither another attempt nor a failure. Null when it was not held any more.
 */
export function preempt(pool: Pool, lease: Lease, madeHeadway: boolean, at: At = null): Promise<SyncRun | null> {
  return inTransaction(pool, async (tx) => {
    const [turn] = await tx.query<Pick<TimeSlice, 'turnMs' | 'ms'>>(
      `SELECT r.turn_ms, ${turnSoFar('$3')} AS ms FROM sync_run r
       WHERE id = $1 AND lease_token = $2 AND status = 'RUNNING' FOR UPDATE`,
      [lease.runId, lease.token, at],
    );
    if (!turn) return null;
    const [run] = await tx.query<SyncRun>(
      `UPDATE sync_run SET status = 'QUEUED', phase = 'QUEUED', lease_token = NULL, lease_expires_at = NULL,
         mailbox = NULL, turn_ms = $2, sequence = sequence + 1, progress_at = ${timeOr('$3')}
       WHERE id = $1 RETURNING *`,
      [lease.runId, Math.round(nextSliceMs(turn, madeHeadway)), at],
    );
    await tx.query(`UPDATE tenant SET served_at = ${timeOr('$2')} WHERE id = $1`, [lease.tenantId, at]);
    return run!;
  });
}
