import type { Pool } from 'pg';
import type { ErrorCode } from '../../errors.ts';
import type { SyncRun } from '../../generated/prisma/client.ts';
import { type At, timeOr } from '../plumbing/clock.ts';
import { fenced, type Lease } from './lease.ts';

export interface Postponement {
  readonly delayMs: number;
  /** Transient failures in a row, this one included. */
  readonly retries: number;
  /** The provider asked for the pause: no run of the account begins before it is over. */
  readonly throttled: boolean;
  readonly error: { readonly code: ErrorCode; readonly message: string };
}

/** Ends a failed attempt. The run waits in the database for its next one. */
export function postponeRun(
  pool: Pool,
  lease: Lease,
  { delayMs, retries, throttled, error }: Postponement,
  at: At = null,
): Promise<SyncRun> {
  return fenced(pool, lease, async (tx) => {
    const [clock] = await tx.query<{ now: Date }>(`SELECT ${timeOr('$1')} AS now`, [at]);
    const until = new Date(clock!.now.getTime() + delayMs);
    const { message } = error;
    const [run] = await tx.query<SyncRun>(
      `UPDATE sync_run SET status = 'WAITING_RETRY', phase = 'QUEUED', mailbox = NULL, lease_token = NULL,
         lease_expires_at = NULL, retries = $2, next_attempt_at = $3, error_code = $4, error_message = $5,
         sequence = sequence + 1, progress_at = $6
       WHERE id = $1 RETURNING *`,
      [lease.runId, retries, until, error.code, message, clock!.now],
    );
    if (throttled) {
      await tx.query('UPDATE email_account SET throttled_until = $2 WHERE id = $1', [lease.accountId, until]);
    }
    return run!;
  });
}
