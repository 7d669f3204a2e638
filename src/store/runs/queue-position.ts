import type { Pool } from 'pg';
import { sqlOf } from '../plumbing/sql.ts';
import { PLACE } from './queue-order.ts';

/** Returns the position of a run in the queue of the whole installation, from 1; null if it is not queued. */
export async function queuePosition(pool: Pool, runId: string): Promise<number | null> {
  const [row] = await sqlOf(pool).query<{ place: number }>(PLACE, [runId]);
  return row?.place ?? null;
}
