import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { runsAt } from '../../domain/host-limits.ts';
import type { SyncRun } from '../../generated/prisma/client.ts';
import { type At, timeOr } from '../clock.ts';
import { inTransaction, type Lease, type Sql, sqlOf } from '../sql.ts';
import { inQueueOrder, mayBegin } from './queue-order.ts';

/** How long a worker may be silent before its run is another's. The heartbeat comes four times as often. */
export const LEASE_SECONDS = 20;

export interface ClaimedRun {
  readonly run: SyncRun;
  readonly lease: Lease;
}

/** Nodes claim one after the other, or two could take the last connection of a host. Any number will do. */
const CLAIM_LOCK = 4_020_1124;

/**
 * Takes for this worker the run whose turn it is (see queue-order.ts), of those whose host has a connection to spare and
 * is not cooling down, and whose account is not throttled; null when there is none.
 * @param lastPlace it is the only free one of several: a tenant that has runs going on leaves it to one that has none, as
 *   long as there is another tenant. Long imports of one do not keep the others waiting.
 */
export async function claimNextRun(pool: Pool, at: At = null, lastPlace = false): Promise<ClaimedRun | null> {
  const waiting = await sqlOf(pool).query(`SELECT 1 FROM sync_run WHERE status = 'QUEUED' LIMIT 1`);
  if (waiting.length === 0) return null;
  return inTransaction(pool, async (tx) => {
    await tx.query('SELECT pg_advisory_xact_lock($1)', [CLAIM_LOCK]);
    const full = await fullHosts(tx);
    const isKept = lastPlace && (await hasSeveralTenants(tx));
    // A run that is cancelled between the two statements is not QUEUED any more: then the next one is taken.
    for (;;) {
      const [next] = await tx.query<{ id: string }>(NEXT, [at, full, isKept]);
      if (!next) return null;
      const claimed = await claim(tx, next.id, at);
      if (claimed) return claimed;
    }
  });
}

const NEXT = `SELECT id FROM (${inQueueOrder(`
    ${mayBegin('$1')} AND a.imap_host <> ALL ($2::text[])
    AND (NOT $3::boolean OR busy.running IS NULL)`)}) queue
  ORDER BY place LIMIT 1`;

/** Hosts at which as many runs go on as they bear. */
async function fullHosts(tx: Sql): Promise<string[]> {
  const busy = await tx.query<{ host: string; runs: number }>(
    `SELECT a.imap_host AS host, count(*)::int AS runs FROM sync_run r JOIN email_account a ON a.id = r.account_id
     WHERE r.status = 'RUNNING' GROUP BY a.imap_host`,
  );
  return busy.filter(({ host, runs }) => runs >= runsAt(host)).map(({ host }) => host);
}

/** Tenants with something to sync. */
async function hasSeveralTenants(tx: Sql): Promise<boolean> {
  const some = await tx.query(
    `SELECT 1 FROM tenant t WHERE EXISTS (SELECT 1 FROM email_account a WHERE a.tenant_id = t.id AND a.is_active) LIMIT 2`,
  );
  return some.length === 2;
}

async function claim(tx: Sql, runId: string, at: At): Promise<ClaimedRun | null> {
  const token = randomUUID();
  const [row] = await tx.query<SyncRun & { tenantId: string; loginVersion: number }>(
    `UPDATE sync_run r SET status = 'RUNNING', phase = 'CONNECTING', lease_token = $2, ${newLease('$3')},
       started_at = coalesce(started_at, ${timeOr('$3')}), turn_began_at = ${timeOr('$3')}, error_code = NULL, error_message = NULL,
       sequence = sequence + 1, progress_at = ${timeOr('$3')}
     FROM email_account a
     WHERE r.id = $1 AND r.status = 'QUEUED' AND a.id = r.account_id
     RETURNING r.*, a.tenant_id, a.login_version`,
    [runId, token, at],
  );
  if (!row) return null;
  const { tenantId, loginVersion, ...run } = row;
  await tx.query(`UPDATE tenant SET served_at = ${timeOr('$2')} WHERE id = $1`, [tenantId, at]);
  return { run, lease: { runId, accountId: run.accountId, tenantId, token, loginVersion } };
}

/** False when the lease is lost: the run was cancelled, or taken over. */
export async function extendLease(pool: Pool, lease: Lease, at: At = null): Promise<boolean> {
  const rows = await sqlOf(pool).query(
    `UPDATE sync_run SET ${newLease('$3')} WHERE id = $1 AND lease_token = $2 AND status = 'RUNNING' RETURNING 1`,
    [lease.runId, lease.token, at],
  );
  return rows.length > 0;
}

const newLease = (at: `$${number}`): string => `lease_expires_at = ${timeOr(at)} + interval '${LEASE_SECONDS} seconds'`;
