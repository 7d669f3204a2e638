import type { Pool } from 'pg';
import type { SyncMode, SyncTrigger } from '../../domain/sync-run.ts';
import { sqlOf } from '../sql.ts';
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

/** Of these runs those that wait, queued or for another attempt; of all runs when none are named. */
export function dispatchableRuns(pool: Pool, runIds: readonly string[] | null): Promise<DispatchableRun[]> {
  return sqlOf(pool).query<DispatchableRun>(
    `SELECT r.id AS run_id, r.account_id, a.email_address, r.mode, r.trigger,
       CASE WHEN r.status = 'QUEUED' THEN r.attempt ELSE r.attempt + 1 END AS attempt,
       CASE WHEN r.status = 'QUEUED' THEN r.sequence ELSE r.sequence + 1 END AS sequence,
       CASE WHEN r.status = 'QUEUED' THEN 0
         ELSE greatest(0, extract(epoch FROM r.next_attempt_at - now()) * 1000)::float8 END AS delay_ms,
       coalesce(turns.turn, 1)::int AS turn
     FROM sync_run r JOIN email_account a ON a.id = r.account_id
     LEFT JOIN (${inTurns(OF_THEIR_TENANTS)}) turns ON turns.id = r.id
     WHERE r.status IN ('QUEUED', 'WAITING_RETRY') AND ($1::uuid[] IS NULL OR r.id = ANY ($1))`,
    [runIds],
  );
}

const OF_THEIR_TENANTS = `($1::uuid[] IS NULL OR r.tenant_id = ANY (
  ARRAY(SELECT tenant_id FROM sync_run WHERE id = ANY ($1))))`;

/** How many runs wait, queued or for another attempt. */
export async function waitingRuns(pool: Pool): Promise<number> {
  const [row] = await sqlOf(pool).query<{ waiting: number }>(
    `SELECT count(*)::int AS waiting FROM sync_run WHERE status IN ('QUEUED', 'WAITING_RETRY')`,
  );
  return row!.waiting;
}
