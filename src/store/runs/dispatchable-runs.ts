import type { Pool } from 'pg';
import type { SyncMode, SyncTrigger } from '../../domain/sync-run.ts';
import { sqlOf } from '../plumbing/sql.ts';
import { inTurns } from './queue-order.ts';

/** What a message about a waiting run says. */
export interface DispatchableRun {
  readonly runId: string;
  readonly accountId: string;
  readonly emailAddress: string;
  readonly mode: SyncMode;
  readonly trigger: SyncTrigger;
  /** The one that comes next. */
  readonly attempt: number;
  /** Of the frame that says that it is queued: no other queueing of a run has the same. */
  readonly sequence: bigint;
  /** How long it still has to wait, in milliseconds; 0 for a queued one. */
  readonly delayMs: number;
  /** See queue-order.ts; 1 for one that waits for its time. */
  readonly turn: number;
}

/** Up to so many it is quicker to count the turn of each than to have the order of all planned and worked out. */
const FEW = 5;

/** Of these runs those that wait, queued or for another attempt; of all runs when none are named. */
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

/** How many runs wait, queued or for another attempt. */
export async function waitingRuns(pool: Pool): Promise<number> {
  const [row] = await sqlOf(pool).query<{ waiting: number }>(
    `SELECT count(*)::int AS waiting FROM sync_run WHERE status IN ('QUEUED', 'WAITING_RETRY')`,
  );
  return row!.waiting;
}
