import type { Pool } from 'pg';
import { sqlOf } from '../plumbing/sql.ts';

/** Returns when each account of a tenant last changed, in milliseconds since 1970, by id. */
export async function accountVersions(pool: Pool, tenantId: string): Promise<Map<string, number>> {
  const rows = await sqlOf(pool).query<{ id: string; updatedAt: Date }>(
    'SELECT id, updated_at FROM email_account WHERE tenant_id = $1',
    [tenantId],
  );
  return new Map(rows.map(({ id, updatedAt }) => [id, updatedAt.getTime()]));
}
