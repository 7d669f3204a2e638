import type { Pool } from 'pg';
import { type At, timeOr } from '../plumbing/clock.ts';
import { sqlOf } from '../plumbing/sql.ts';

/** The newest runs of each account, which are kept at any age: a rarely synced account has a history too. */
export const KEPT_RUNS = 20;

const ACCOUNTS = 200;
/** Most runs deleted in one transaction, so that others do not wait long for the embedded database. */
const RUNS = 500;

export interface Cleared {
  readonly runs: number;
  /** The account after which the next batch begins. */
  readonly after: string | null;
  /** No account is left. */
  readonly done: boolean;
}

/**
 * Deletes a batch of the finished runs that are more than `days` old, with their receipts and plans, except the newest
 * {@link KEPT_RUNS} of each account. The account's own counters, the outcome of its last sync and its events stay. The
 * newest run is never deleted, because the account's next frame continues its sequence.
 * @param after the account after which the batch begins, in the order of ids; null for the first batch
 */
export async function clearHistory(
  pool: Pool,
  { days, after, at = null }: { days: number; after: string | null; at?: At },
): Promise<Cleared> {
  const [batch] = await sqlOf(pool).query<{ accounts: number; last: string | null; runs: number }>(CLEAR, [
    days,
    after,
    at,
  ]);
  const { accounts, last, runs } = batch!;
  // These accounts may have more old runs.
  if (runs === RUNS) return { runs, after, done: false };
  return { runs, after: last, done: accounts < ACCOUNTS };
}

const CLEAR = `
  WITH batch AS (
    SELECT id FROM email_account WHERE $2::uuid IS NULL OR id > $2 ORDER BY id LIMIT ${ACCOUNTS}
  ), old AS (
    SELECT r.id FROM batch
    CROSS JOIN LATERAL (
      SELECT requested_at FROM sync_run WHERE account_id = batch.id
      ORDER BY requested_at DESC OFFSET ${KEPT_RUNS - 1} LIMIT 1
    ) kept
    JOIN sync_run r ON r.account_id = batch.id
      AND r.requested_at < least(kept.requested_at, ${timeOr('$3')} - $1 * interval '1 day')
    WHERE r.finished_at IS NOT NULL
    LIMIT ${RUNS}
  ), cleared AS (
    DELETE FROM sync_run WHERE id IN (SELECT id FROM old) RETURNING 1
  )
  SELECT (SELECT count(*)::int FROM batch) AS accounts, (SELECT max(id::text) FROM batch) AS last,
    (SELECT count(*)::int FROM cleared) AS runs`;
