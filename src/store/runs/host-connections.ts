import type { Pool } from 'pg';
import { limitsOf } from '../../domain/host-limits.ts';
import { inTransaction, sqlOf } from '../plumbing/sql.ts';
import { lockHost } from './claim-run.ts';

/**
 * Counts one more connection for the run of an account that goes on, if its host and the account have one to spare over
 * all nodes: its first one has been counted with its claim. False when they have none, or when no run goes on.
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

/** One of those is closed. A run that has ended has none any more. */
export async function giveConnection(pool: Pool, accountId: string): Promise<void> {
  await sqlOf(pool).query(
    `UPDATE sync_run SET connections = connections - 1 WHERE account_id = $1 AND status = 'RUNNING' AND connections > 1`,
    [accountId],
  );
}
