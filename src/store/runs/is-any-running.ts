import type { Pool } from 'pg';
import { sqlOf } from '../plumbing/sql.ts';

/** Returns whether a run is running on any node. */
export async function isAnyRunning(pool: Pool): Promise<boolean> {
  const [row] = await sqlOf(pool).query<{ running: boolean }>(
    `SELECT EXISTS (SELECT FROM sync_run WHERE status = 'RUNNING') AS running`,
  );
  return row!.running;
}
