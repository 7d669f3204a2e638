import type { Pool } from 'pg';
import type { SyncMode, SyncTrigger } from '../../domain/sync-run.ts';
import { sqlOf } from '../plumbing/sql.ts';
import { inTurns } from './queue-order.ts';

/** A waiting run, as its job describes it. */
export interface DispatchableRun {
  readonly runId: string;
  readonly accountId: string;
  readonly emailAddress: string;
  readonly mode: SyncMode;
  readonly trigger: SyncTrigger;
  /** Number of its next attempt. */
  readonly attempt: number;
  /** Sequence of the frame with which it is queued, or will be. It is unique to this queueing of the run. */
  readonly sequence: bigint;
  /** Milliseconds until it may begin; 0 for a queued run. */
  readonly delayMs: number;
  /** Its turn (queue-order.ts); 1 for a run that waits for its retry. */
  readonly turn: number;
}

/** Up to this many runs, counting the turn of each is faster than computing the order of all. */
const FEW = 5;

/** Returns those of the runs that are queued or wait for a retry; of all runs if `runIds` is null. */
export function dispatchableRuns(pool: Pool, runIds: readonly string[] | null): Promise<DispatchableRun[]> {
  return sqlOf(pool).query<DispatchableRun>(
    `SELECT r.id AS run_id, r.account_id, a.email_address, r.mode, r.trigger,
       CASE WHEN r.status = 'QUEUED' THEN r.attempt ELSE r.attempt + 1 END AS attempt,
       CASE WHEN r.status = 'QUEUED' THEN r.sequence ELSE r.sequence + 1 END AS sequence,
       CASE WHEN r.status = 'QUEUED' THEN 0
         ELSE greatest(0, extract(epoch FROM r.next_attempt_at - now()) * 1000)::float8 END AS delay_ms,
       CASE WHEN r.status = 'QUEUED' THEN turns.turn ELSE 1 END::int AS turn
     FROM sync_run r JOIN email_account a ON a.id = r.account_id
     ${runIds && runIds.length <= FEW ? COUNTED : IN_ORDER}
     WHERE r.status IN ('QUEUED', 'WAITING_RETRY') AND ($1::uuid[] IS NULL OR r.id = ANY ($1))`,
    [runIds],
  );
}

const COUNTED = `CROSS JOIN LATERAL (
  SELECT count(*) AS turn FROM sync_run o
  WHERE o.tenant_id = r.tenant_id AND (o.status = 'RUNNING'
    OR o.status = 'QUEUED' AND o.trigger = r.trigger AND (o.queued_at, o.id) <= (r.queued_at, r.id))
) turns`;

const IN_ORDER = `LEFT JOIN (${inTurns(
  '($1::uuid[] IS NULL OR r.tenant_id = ANY (ARRAY(SELECT tenant_id FROM sync_run WHERE id = ANY ($1))))',
)}) turns ON turns.id = r.id`;

/** Returns how many runs are queued or wait for a retry. */
export async function waitingRuns(pool: Pool): Promise<number> {
  const [row] = await sqlOf(pool).query<{ waiting: number }>(
    `SELECT count(*)::int AS waiting FROM sync_run WHERE status IN ('QUEUED', 'WAITING_RETRY')`,
  );
  return row!.waiting;
}
