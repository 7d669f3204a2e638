import type { Pool } from 'pg';
import { inTransaction } from '../plumbing/sql.ts';

/** Time limit in milliseconds: an account may have millions of rows. */
const LIMIT_MS = 30 * 60_000;

/**
 * Deletes the account's row and all rows that refer to it, or nothing.
 * @returns false if the tenant has no such account
 */
export function deleteAccount(pool: Pool, { tenantId, id }: { tenantId: string; id: string }): Promise<boolean> {
  return inTransaction(
    pool,
    async (tx) => {
      const deleted = await tx.query('DELETE FROM email_account WHERE id = $1 AND tenant_id = $2 RETURNING id', [
        id,
        tenantId,
      ]);
      // The only table without a foreign key: it gets two rows per message, and the checks would be expensive.
      if (deleted.length > 0) await tx.query('DELETE FROM thread_reference WHERE account_id = $1', [id]);
      return deleted.length > 0;
    },
    { limitMs: LIMIT_MS },
  );
}
