import type { Pool } from 'pg';
import { deleteUnusedGrant } from '../oauth/grants.ts';
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
      const [deleted] = await tx.query<{ grantId: string | null }>(
        'DELETE FROM email_account WHERE id = $1 AND tenant_id = $2 RETURNING grant_id',
        [id, tenantId],
      );
      if (!deleted) return false;
      // The only table without a foreign key: it gets two rows per message, and the checks would be expensive.
      await tx.query('DELETE FROM thread_reference WHERE account_id = $1', [id]);
      if (deleted.grantId !== null) await deleteUnusedGrant(tx, deleted.grantId);
      return true;
    },
    { limitMs: LIMIT_MS },
  );
}
