import type { Pool } from 'pg';
import { MailtideError } from '../../errors.ts';
import { namedStatement, type Parameters } from '../plumbing/named-statement.ts';
import { inTransaction, type Transaction } from '../plumbing/sql.ts';

/** A worker's right to write a run (src/domain/sync-run.ts, docs/decisions/0002-fencing-by-lease-token.md). */
export interface Lease {
  readonly runId: string;
  readonly accountId: string;
  readonly tenantId: string;
  readonly token: string;
  /** Version of the account's login when the run was claimed. */
  readonly loginVersion: number;
}

/**
 * The fence, as a condition on the run's row in a named statement: the worker still holds the lease. A statement that
 * writes for a run contains it, or follows one in the same transaction that does and locks the row.
 */
export const isHeld = (run = 'sync_run'): string =>
  `${run}.id = @runId AND ${run}.lease_token = @leaseToken AND ${run}.status = 'RUNNING'`;

/** The parameters of {@link isHeld}. */
export const leaseParameters = ({ runId, token }: Lease): Parameters => ({ runId, leaseToken: token });

/**
 * Runs `work` in a transaction of the worker that holds `lease`. The run's row stays locked until it ends, so no other
 * worker takes the run over in between.
 * @throws LEASE_LOST if another worker has the lease, or the run is not RUNNING any more; nothing is then written
 */
export async function fenced<T>(pool: Pool, lease: Lease, work: (tx: Transaction) => Promise<T>): Promise<T> {
  return inTransaction(pool, async (tx) => {
    const held = await tx.query(FENCE.text, FENCE.values(leaseParameters(lease)));
    if (held.length === 0) throw new MailtideError('LEASE_LOST');
    return work(tx);
  });
}

const FENCE = namedStatement(`SELECT 1 FROM sync_run WHERE ${isHeld()} FOR UPDATE`);
