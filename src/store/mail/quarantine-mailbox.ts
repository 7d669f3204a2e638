import type { Pool } from 'pg';
import { fenced, type Lease } from '../runs/lease.ts';
import { RETRY_AT } from './quarantine.ts';

/**
 * Quarantines a mailbox on which the server fails: runs skip it until `retry_at`, after waits that double. A finished
 * pass over it ends the quarantine.
 */
export function quarantineMailbox(pool: Pool, lease: Lease, mailboxId: string): Promise<void> {
  return fenced(pool, lease, async (tx) => {
    await tx.query(
      `UPDATE mailbox SET attempts = attempts + 1, retry_at = ${RETRY_AT} WHERE id = $1 AND account_id = $2`,
      [mailboxId, lease.accountId],
    );
  });
}
