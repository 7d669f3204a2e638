import type pg from 'pg';
import { sqlOf } from '../plumbing/sql.ts';

/**
 * Of a tenant's mailboxes, by id, how many of the messages that are counted in `message_count` are not stored: still to
 * be fetched, or set aside. Those, and not the ones that are stored, are counted: there are none of them after a sync,
 * however large the mailbox. What a pass lists is counted when its cursor is moved, and looked at here from then on.
 */
export async function missingCounts(
  pool: pg.Pool,
  tenantId: string,
  mailboxIds: readonly string[],
): Promise<Map<string, number>> {
  // Each state has an index of its own, which holds nothing else.
  const missing = (state: string): string =>
    `(SELECT count(*)::int FROM message_location l
      WHERE l.mailbox_id = m.id AND l.generation = m.generation AND l.uid <= m.enumerated_up_to
        AND l.state = '${state}' AND l.deleted_at IS NULL)`;
  const rows = await sqlOf(pool).query<{ id: string; missing: number }>(
    `SELECT m.id, ${missing('PENDING')} + ${missing('QUARANTINED')} AS missing
     FROM mailbox m JOIN email_account a ON a.id = m.account_id
     WHERE a.tenant_id = $1 AND m.id = ANY ($2::uuid[])`,
    [tenantId, mailboxIds],
  );
  return new Map(rows.map(({ id, missing }) => [id, missing]));
}
