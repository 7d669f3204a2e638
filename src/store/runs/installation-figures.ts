import type { Pool } from 'pg';
import type { SyncRunStatus, SyncTrigger } from '../../domain/sync-run.ts';
import { type At, timeOr } from '../plumbing/clock.ts';
import { sqlOf } from '../plumbing/sql.ts';
import { ACTIVE } from './insert-runs.ts';

/** State of the whole installation, the same from every node. */
export interface InstallationFigures {
  /** Active runs; a combination that is not listed has none. */
  readonly runs: readonly { readonly status: SyncRunStatus; readonly trigger: SyncTrigger; readonly count: number }[];
  /** How long the oldest queued run of each trigger waits, in seconds. */
  readonly oldestQueued: Readonly<Partial<Record<SyncTrigger, number>>>;
  /** How long the most overdue account has been waiting for its run, in seconds; 0 if none is overdue. */
  readonly scheduleLagSeconds: number;
}

/** Reads two indexes: active runs, and the head of the schedule. The cost does not grow with accounts or history. */
export async function installationFigures(pool: Pool, at: At = null): Promise<InstallationFigures> {
  const sql = sqlOf(pool);
  const rows = await sql.query<{ status: SyncRunStatus; trigger: SyncTrigger; count: number; oldest: number }>(
    `SELECT status, trigger, count(*)::int AS count,
       extract(epoch FROM ${timeOr('$1')} - min(queued_at))::float8 AS oldest
     FROM sync_run WHERE ${ACTIVE} GROUP BY status, trigger`,
    [at],
  );
  const [head] = await sql.query<{ lag: number }>(
    `SELECT extract(epoch FROM ${timeOr('$1')} - next_sync_at)::float8 AS lag FROM email_account
     WHERE next_sync_at <= ${timeOr('$1')} AND is_active AND needs_auth_since IS NULL ORDER BY next_sync_at LIMIT 1`,
    [at],
  );
  const queued = rows.filter(({ status }) => status === 'QUEUED');
  return {
    runs: rows.map(({ status, trigger, count }) => ({ status, trigger, count })),
    oldestQueued: Object.fromEntries(queued.map(({ trigger, oldest }) => [trigger, Math.max(0, oldest)])),
    scheduleLagSeconds: Math.max(0, head?.lag ?? 0),
  };
}
