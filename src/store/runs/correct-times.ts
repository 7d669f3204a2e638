import type { Pool } from 'pg';
import { LONGEST_COOLING_MS } from '../../domain/host-limits.ts';
import { LONGEST_WAIT } from '../../domain/schedule.ts';
import { type At, timeOr } from '../plumbing/clock.ts';
import { sqlOf } from '../plumbing/sql.ts';
import { LEASE_SECONDS } from './claim-run.ts';

/** A wrong clock wrote any time that is further in the future than this. */
const SLACK = `interval '1 minute'`;

/**
 * Corrects the times that were written while the clock of the database was ahead: each is set to the value that it
 * would have if it were written now. Sound times stay.
 * @param intervalMinutes the interval of accounts that have none of their own
 * @returns how many times were corrected
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
  // At a random time in the interval, so that accounts which were delayed together are not due together.
  [
    `UPDATE email_account SET
       next_sync_at = ${NOW} + random() * coalesce(sync_interval_minutes, $2::int) * interval '1 minute'
     WHERE next_sync_at > ${NOW} + ${LONGEST_WAIT} * coalesce(sync_interval_minutes, $2::int) * interval '1 minute'`,
    intervalMinutes,
  ],
  // A retry delay and a provider's pause begin at the time when the row was written (progress_at).
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
  // A living worker extends it within seconds. A dead one is noticed when the corrected lease expires.
  [
    `UPDATE sync_run SET lease_expires_at = ${NOW} + interval '${LEASE_SECONDS} seconds'
     WHERE status = 'RUNNING' AND lease_expires_at > ${NOW} + interval '${LEASE_SECONDS} seconds' + ${SLACK}`,
  ],
  // No run waits for these times, but they decide the order of the queue and the end of a time slice.
  [`UPDATE sync_run SET turn_began_at = ${NOW} WHERE status = 'RUNNING' AND turn_began_at > ${NOW} + ${SLACK}`],
  [`UPDATE sync_run SET queued_at = ${NOW} WHERE status = 'QUEUED' AND queued_at > ${NOW} + ${SLACK}`],
  [`UPDATE tenant SET served_at = ${NOW} WHERE served_at > ${NOW} + ${SLACK}`],
  [
    `UPDATE imap_host SET cooling_until = ${NOW} + $2 * interval '1 millisecond'
     WHERE cooling_until > ${NOW} + $2 * interval '1 millisecond' + ${SLACK}`,
    LONGEST_COOLING_MS,
  ],
];
