import type { Pool } from 'pg';
import { sqlOf } from '../plumbing/sql.ts';
import { PLACE } from './queue-order.ts';

/** The place of a queued run in the queue of the whole installation, from 1; null when it does not wait there. */
export async function queuePosition(pool: Pool, runId: string): Promise<number | null> {
  const [row] = await sqlOf(pool).query<{ place: number }>(PLACE, [runId]);
  return row?.place ?? null;
}
