import type { Pool } from 'pg';
import { limitsOf } from '../../domain/host-limits.ts';
import { inTransaction, sqlOf } from '../plumbing/sql.ts';
import { lockHost } from './claim-run.ts';

/**
 * Counts one more connection for the account's running run, if the host and the account have one to spare over all
 * nodes. The claim counted the first one. Returns false if none is free, or if no run is running.
 */
export function takeConnection(pool: Pool, host: string, accountId: string): Promise<boolean> {
  const { perAccount, perHost } = limitsOf(host);
  return inTransaction(pool, async (tx) => {
    await lockHost(tx, host);
    const taken = await tx.query(
      `UPDATE sync_run SET connections = connections + 1
       WHERE account_id = $1 AND status = 'RUNNING' AND connections < $2 AND $3 > (
         SELECT sum(r.connections) FROM sync_run r JOIN email_account a ON a.id = r.account_id
         WHERE r.status = 'RUNNING' AND a.imap_host = $4
       ) RETURNING 1`,
      [accountId, perAccount, perHost, host],
    );
    return taken.length > 0;
  });
}

/** Releases a connection that {@link takeConnection} counted. A run that has ended holds none. */
export async function giveConnection(pool: Pool, accountId: string): Promise<void> {
  await sqlOf(pool).query(
    `UPDATE sync_run SET connections = connections - 1 WHERE account_id = $1 AND status = 'RUNNING' AND connections > 1`,
    [accountId],
  );
}
