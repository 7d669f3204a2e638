import type { Pool } from 'pg';
import { LONGEST_COOLING_MS } from '../../domain/host-limits.ts';
import { LONGEST_WAIT } from '../../domain/schedule.ts';
import { type At, timeOr } from '../plumbing/clock.ts';
import { sqlOf } from '../plumbing/sql.ts';
import { LEASE_SECONDS } from './claim-run.ts';

/** A time that is further in the future than this was written by a clock that was wrong. */
const SLACK = `interval '1 minute'`;

/**
 * Brings back the times that were written while the clock of the database was ahead: each is set to what it would be,
 * had it been written now. Sound times are left as they are.
 * @param intervalMinutes of accounts that have none of their own
 * @returns how many were brought back
 */
export async function correctTimes(
  pool: Pool,
  { intervalMinutes, at = null }: { intervalMinutes: number; at?: At },
): Promise<number> {
  const sql = sqlOf(pool);
  let corrected = 0;
  for (const [statement, ...values] of CORRECTIONS(intervalMinutes)) {
    corrected += (await sql.query(`${statement} RETURNING 1`, [at, ...values])).length;
  }
  return corrected;
}

const NOW = timeOr('$1');

const CORRECTIONS = (intervalMinutes: number): [string, ...unknown[]][] => [
  // Anywhere in the interval, so that accounts which were delayed together do not come together.
  [
    `UPDATE email_account SET
       next_sync_at = ${NOW} + random() * coalesce(sync_interval_minutes, $2::int) * interval '1 minute'
     WHERE next_sync_at > ${NOW} + ${LONGEST_WAIT} * coalesce(sync_interval_minutes, $2::int) * interval '1 minute'`,
    intervalMinutes,
  ],
  // What a run waits for is counted from when its row was written (progress_at), also a provider's pause.
  [
    `UPDATE email_account a SET throttled_until = ${NOW} + (a.throttled_until - r.progress_at)
     FROM sync_run r
     WHERE r.account_id = a.id AND r.status = 'WAITING_RETRY' AND r.progress_at > ${NOW} + ${SLACK}
       AND a.throttled_until > r.progress_at`,
  ],
  [
    `UPDATE sync_run SET next_attempt_at = ${NOW} + (next_attempt_at - progress_at), progress_at = ${NOW}
     WHERE status = 'WAITING_RETRY' AND progress_at > ${NOW} + ${SLACK}`,
  ],
  // A living worker writes it again within seconds; a dead one is found when the corrected lease ends.
  [
    `UPDATE sync_run SET lease_expires_at = ${NOW} + interval '${LEASE_SECONDS} seconds'
     WHERE status = 'RUNNING' AND lease_expires_at > ${NOW} + interval '${LEASE_SECONDS} seconds' + ${SLACK}`,
  ],
  // Nothing waits for these, but they decide whose turn it is, and when a turn ends.
  [`UPDATE sync_run SET turn_began_at = ${NOW} WHERE status = 'RUNNING' AND turn_began_at > ${NOW} + ${SLACK}`],
  [`UPDATE sync_run SET queued_at = ${NOW} WHERE status = 'QUEUED' AND queued_at > ${NOW} + ${SLACK}`],
  [`UPDATE tenant SET served_at = ${NOW} WHERE served_at > ${NOW} + ${SLACK}`],
  [
    `UPDATE imap_host SET cooling_until = ${NOW} + $2 * interval '1 millisecond'
     WHERE cooling_until > ${NOW} + $2 * interval '1 millisecond' + ${SLACK}`,
    LONGEST_COOLING_MS,
  ],
];
