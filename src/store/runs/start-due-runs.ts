import type { Pool } from 'pg';
import { newId } from '../../domain/ids.ts';
import { nextDue } from '../../domain/schedule.ts';
import { type At, timeOr } from '../plumbing/clock.ts';
import { inTransaction } from '../plumbing/sql.ts';
import { ACTIVE, insertRuns } from './insert-runs.ts';
import type { RunOfTenant } from './requeue-runs.ts';

export interface DueBatch {
  /** Number of accounts that were due, including those that are syncing already. */
  readonly due: number;
  readonly started: readonly RunOfTenant[];
}

interface DueAccount {
  id: string;
  tenantId: string;
  dueAt: Date;
  now: Date;
  intervalMinutes: number;
  isSyncing: boolean;
}

/**
 * Queues a run for each of at most `limit` due accounts and sets the time when they are due again, in one transaction.
 * Any number of nodes may call it at once. An account that is syncing gets no run, only a new time.
 * @param intervalMinutes the interval of accounts that have none of their own
 */
export function startDueRuns(
  pool: Pool,
  { intervalMinutes, limit, at = null }: { intervalMinutes: number; limit: number; at?: At },
): Promise<DueBatch> {
  return inTransaction(pool, async (tx) => {
    const due = await tx.query<DueAccount>(DUE, [at, intervalMinutes, limit]);
    if (due.length === 0) return { due: 0, started: [] };
    await tx.query(
      `UPDATE email_account a SET next_sync_at = d.next
       FROM unnest($1::uuid[], $2::timestamptz[]) AS d(id, next) WHERE a.id = d.id`,
      [due.map(({ id }) => id), due.map((one) => nextDue(one.dueAt, one.now, one.intervalMinutes, Math.random()))],
    );
    const idle = due.filter(({ isSyncing }) => !isSyncing);
    const started = await tx.query<RunOfTenant>(START, [idle.map(({ id }) => id), idle.map(() => newId()), at]);
    return { due: due.length, started };
  });
}

/**
 * NO KEY, so that a concurrent `startRun` can still refer to the account: otherwise the two would deadlock. SKIP
 * LOCKED, because a sync is writing an account whose row is locked.
 */
const DUE = `
  SELECT a.id, a.tenant_id, a.next_sync_at AS due_at, ${timeOr('$1')} AS now,
    coalesce(a.sync_interval_minutes, $2::int) AS interval_minutes,
    EXISTS (SELECT 1 FROM sync_run r WHERE r.account_id = a.id AND r.${ACTIVE}) AS is_syncing
  FROM email_account a
  WHERE a.next_sync_at <= ${timeOr('$1')} AND a.is_active AND a.needs_auth_since IS NULL
  ORDER BY a.next_sync_at LIMIT $3 FOR NO KEY UPDATE OF a SKIP LOCKED`;

const START = `
  WITH started AS (
    ${insertRuns(
      `SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS due(account_id, run_id)
       CROSS JOIN (SELECT 'INCREMENTAL'::"SyncMode" AS mode, 'SCHEDULE'::"SyncTrigger" AS trigger, NULL AS trace_parent) asked`,
      '$3',
    )}
  )
  SELECT started.*, a.tenant_id FROM started JOIN email_account a ON a.id = started.account_id`;
