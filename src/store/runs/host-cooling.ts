import type { Pool } from 'pg';
import { coolingMs } from '../../domain/host-limits.ts';
import { type At, timeOr } from '../plumbing/clock.ts';
import { inTransaction, sqlOf } from '../plumbing/sql.ts';

/** Records that a host turned a connection away. No run begins there while it cools, longer each time. */
export async function coolHost(pool: Pool, host: string, at: At = null): Promise<void> {
  await inTransaction(pool, async (tx) => {
    const [row] = await tx.query<{ refusals: number }>(
      `INSERT INTO imap_host AS h (host, refusals, cooling_until) VALUES ($1, 1, ${timeOr('$2')})
       ON CONFLICT (host) DO UPDATE SET refusals = h.refusals + 1 RETURNING refusals`,
      [host, at],
    );
    await tx.query(
      `UPDATE imap_host SET cooling_until = ${timeOr('$2')} + $3 * interval '1 millisecond' WHERE host = $1`,
      [host, at, coolingMs(row!.refusals)],
    );
  });
}

/** Returns the end of the cooling of each of these hosts that is cooling. */
export async function hostPauses(pool: Pool, hosts: readonly string[]): Promise<Map<string, Date>> {
  const rows = await sqlOf(pool).query<{ host: string; until: Date }>(
    'SELECT host, cooling_until AS until FROM imap_host WHERE host = ANY($1) AND cooling_until > now()',
    [hosts],
  );
  return new Map(rows.map(({ host, until }) => [host, until]));
}

/** Records that a host accepted a connection, which ends its cooling. */
export async function hostIsWell(pool: Pool, host: string): Promise<void> {
  await sqlOf(pool).query('DELETE FROM imap_host WHERE host = $1', [host]);
}
