import type { Pool } from 'pg';
import { sqlOf } from '../plumbing/sql.ts';

/** A present location whose bytes are not stored. */
export interface MissingLocation {
  readonly mailboxId: string;
  readonly uid: number;
  /** Why it is quarantined; null while it is PENDING. */
  readonly reason: string | null;
}

/** Returns the account's locations whose bytes are not stored, in the present generation of their mailboxes, by UID. */
export async function missingLocations(pool: Pool, accountId: string): Promise<MissingLocation[]> {
  const missing = (state: string, reason: string): string =>
    `SELECT m.id AS mailbox_id, l.uid, ${reason} AS reason
     FROM mailbox m JOIN message_location l ON l.mailbox_id = m.id AND l.generation = m.generation
     WHERE m.account_id = $1 AND m.deleted_at IS NULL AND l.deleted_at IS NULL AND l.state = '${state}'`;
  // Two halves, each of which has an index.
  const rows = await sqlOf(pool).query<{ mailboxId: string; uid: bigint; reason: string | null }>(
    `${missing('QUARANTINED', 'l.last_error')} UNION ALL ${missing('PENDING', 'NULL')} ORDER BY mailbox_id, uid`,
    [accountId],
  );
  return rows.map((row) => ({ ...row, uid: Number(row.uid) }));
}
