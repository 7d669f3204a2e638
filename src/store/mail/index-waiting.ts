import type { Pool } from 'pg';
import { sqlOf } from '../plumbing/sql.ts';

/**
 * Adds to the full-text index at most `limit` messages that were stored at least `afterMs` milliseconds ago, in one
 * transaction. Any number of nodes may do so at once.
 * @returns the number of messages that were indexed
 */
export async function indexWaiting(pool: Pool, afterMs: number, limit: number): Promise<number> {
  const indexed = await sqlOf(pool).query(
    `UPDATE message SET indexed_at = now()
     WHERE id = ANY (ARRAY(
       SELECT id FROM message WHERE indexed_at IS NULL AND created_at <= now() - $1 * interval '1 ms'
       ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED))
     RETURNING 1`,
    [afterMs, limit],
  );
  return indexed.length;
}
