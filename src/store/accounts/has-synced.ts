import type { Pool } from 'pg';
import { sqlOf } from '../plumbing/sql.ts';

/** Returns whether a run has ever read a mailbox of the account to its end. */
export async function hasSynced(pool: Pool, accountId: string): Promise<boolean> {
  const rows = await sqlOf(pool).query(
    'SELECT 1 FROM mailbox WHERE account_id = $1 AND last_synced_at IS NOT NULL LIMIT 1',
    [accountId],
  );
  return rows.length > 0;
}
