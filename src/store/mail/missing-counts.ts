import type pg from 'pg';
import { sqlOf } from '../plumbing/sql.ts';

/**
 * Returns by id how many of the messages in a mailbox's `message_count` are not stored, because they are PENDING or
 * quarantined. These are counted instead of the stored ones, because none are left after a sync, however large the
 * mailbox. Messages of an unfinished pass are in neither count until its cursor is moved.
 */
export async function missingCounts(
  pool: pg.Pool,
  tenantId: string,
  mailboxIds: readonly string[],
): Promise<Map<string, number>> {
  // Each state has a partial index of its own.
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
