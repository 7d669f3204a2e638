import { ACTIVE_STATUSES } from '../../domain/sync-run.ts';
import { timeOr } from '../plumbing/clock.ts';

/** The statuses of an active run, as the partial unique index names them (domain/sync-run.ts). */
export const ACTIVE = `status IN (${ACTIVE_STATUSES.map((status) => `'${status}'`).join(', ')})`;

/**
 * INSERT of QUEUED runs for the rows `d (run_id, account_id, mode, trigger, trace_parent)` of `source`. An account that
 * has an active run gets none. `requested_at` grows from run to run of an account, even if the clock is set back, and
 * so does the number of its frames (SyncProgress.sequence).
 */
export const insertRuns = (source: string, at: `$${number}`): string => `
  INSERT INTO sync_run (id, account_id, mode, trigger, queued_at, progress_at, requested_at, sequence, trace_parent)
  SELECT d.run_id, d.account_id, d.mode, d.trigger, ${timeOr(at)}, ${timeOr(at)},
    greatest(${timeOr(at)}, last.requested_at + interval '1 millisecond'), 1 + coalesce(last.sequence, 0),
    d.trace_parent
  FROM (${source}) d
  LEFT JOIN LATERAL (
    SELECT requested_at, sequence FROM sync_run WHERE account_id = d.account_id ORDER BY requested_at DESC LIMIT 1
  ) last ON true
  ON CONFLICT (account_id) WHERE ${ACTIVE} DO NOTHING
  RETURNING *`;
