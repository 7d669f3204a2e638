import type { Pool } from 'pg';
import { sqlOf } from '../plumbing/sql.ts';

/** Whether the tenant has this account. */
export async function accountExists(pool: Pool, tenantId: string, accountId: string): Promise<boolean> {
  const rows = await sqlOf(pool).query('SELECT 1 FROM email_account WHERE id = $1 AND tenant_id = $2', [
    accountId,
    tenantId,
  ]);
  return rows.length > 0;
}
