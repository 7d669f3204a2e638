import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { limitsOf, runsAt } from '../../domain/host-limits.ts';
import type { SyncRun } from '../../generated/prisma/client.ts';
import { type At, type Parameter, timeOr } from '../plumbing/clock.ts';
import { namedStatement } from '../plumbing/named-statement.ts';
import { inTransaction, type Sql, sqlOf } from '../plumbing/sql.ts';
import { isHeld, type Lease, leaseParameters } from './lease.ts';
import { firstInQueue, mayBegin } from './queue-order.ts';
import { queueDueRetry } from './requeue-runs.ts';

/** How long a lease lasts. The heartbeat extends it four times as often (src/jobs/attempt/heartbeat.ts). */
export const LEASE_SECONDS = 20;

export interface ClaimedRun {
  readonly run: SyncRun;
  readonly lease: Lease;
}

/** A waiting run that may not begin yet. `until` is null if that depends on another run or connection to end. */
export interface Blocked {
  readonly until: Date | null;
}

/**
 * Advisory locks, with arbitrary numbers. Without them, two concurrent claims could both take the last connection of a
 * host. A claim of the next run holds CLAIM_LOCK exclusively. A claim of a given run shares it, and holds HOST_LOCK for
 * its host.
 */
const CLAIM_LOCK = 4_020_1124;
const HOST_LOCK = 402_112;

/**
 * Claims the first run in the queue (queue-order.ts) whose host has a connection to spare and is not cooling, and whose
 * account is not throttled. Returns null if there is none.
 * @param lastSlot whether this is the last free slot of several. If another tenant exists, a tenant that has a running
 *   run does not get this slot, so that the long imports of one tenant do not keep the others waiting.
 */
export async function claimNextRun(pool: Pool, at: At = null, lastSlot = false): Promise<ClaimedRun | null> {
  const waiting = await sqlOf(pool).query(`SELECT 1 FROM sync_run WHERE status = 'QUEUED' LIMIT 1`);
  if (waiting.length === 0) return null;
  return inTransaction(pool, async (tx) => {
    await tx.query('SELECT pg_advisory_xact_lock($1)', [CLAIM_LOCK]);
    const full = await fullHosts(tx);
    const isKept = lastSlot && (await hasSeveralTenants(tx));
    // If the run is cancelled between the two statements, the next one is claimed.
    for (;;) {
      const [next] = await tx.query<{ id: string }>(NEXT, [at, full, isKept]);
      if (!next) return null;
      const claimed = await claim(tx, next.id, at);
      if (claimed) return claimed;
    }
  });
}

/** Returns the id of the first run in the queue that may begin now, or null if there is none. */
export async function nextRun(pool: Pool, at: At = null): Promise<string | null> {
  const sql = sqlOf(pool);
  const [next] = await sql.query<{ id: string }>(NEXT, [at, await fullHosts(sql), false]);
  return next?.id ?? null;
}

const NEXT = firstInQueue(
  `${mayBegin('$1')} AND a.imap_host <> ALL ($2::text[])`,
  'NOT $3::boolean OR busy.running IS NULL',
);

/** Returns the hosts that have reached their limit of runs or of connections. */
async function fullHosts(tx: Sql): Promise<string[]> {
  const busy = await tx.query<AtHost & { host: string }>(
    `SELECT a.imap_host AS host, count(*)::int AS runs, sum(r.connections)::int AS connections
     FROM sync_run r JOIN email_account a ON a.id = r.account_id WHERE r.status = 'RUNNING' GROUP BY a.imap_host`,
  );
  return busy.filter((one) => isFull(one.host, one)).map(({ host }) => host);
}

interface AtHost {
  runs: number;
  connections: number;
}

const isFull = (host: string, { runs, connections }: AtHost): boolean =>
  runs >= runsAt(host) || connections >= limitsOf(host).perHost;

/** Locks one host until the transaction ends, to count its connections. Other hosts are not blocked. */
export async function lockHost(tx: Sql, host: string): Promise<void> {
  await tx.query('SELECT pg_advisory_xact_lock_shared($1), pg_advisory_xact_lock($2, hashtext($3))', [
    CLAIM_LOCK,
    HOST_LOCK,
    host,
  ]);
}

/** Returns whether more than one tenant has active accounts. */
async function hasSeveralTenants(tx: Sql): Promise<boolean> {
  const some = await tx.query(
    `SELECT 1 FROM tenant t WHERE EXISTS (SELECT 1 FROM email_account a WHERE a.tenant_id = t.id AND a.is_active) LIMIT 2`,
  );
  return some.length === 2;
}

/**
 * Claims the run that a job names, by the rules of {@link claimNextRun}. Its cost does not grow with the queue, which
 * is what the jobs are for. A run that waits for a retry, and may begin now, is queued first.
 * @returns null if the run is not waiting
 */
export async function claimRun(
  pool: Pool,
  runId: string,
  at: At = null,
  lastSlot = false,
): Promise<ClaimedRun | Blocked | null> {
  return inTransaction(pool, async (tx) => {
    const locked = await tx.query(
      `SELECT pg_advisory_xact_lock_shared($2), pg_advisory_xact_lock($3, hashtext(a.imap_host))
       FROM sync_run r JOIN email_account a ON a.id = r.account_id
       WHERE r.id = $1 AND r.status IN ('QUEUED', 'WAITING_RETRY')`,
      [runId, CLAIM_LOCK, HOST_LOCK],
    );
    if (locked.length === 0) return null;
    const [named] = await tx.query<NamedRun>(NAMED, [runId, at]);
    if (!named) return null;
    if (named.until) return { until: named.until };
    if (isFull(named.host, named)) return { until: null };
    if (lastSlot && named.isTenantBusy && (await hasSeveralTenants(tx))) return { until: null };
    if (named.isRetry) await queueDueRetry(tx, runId, at);
    return claim(tx, runId, at);
  });
}

interface NamedRun extends AtHost {
  host: string;
  isRetry: boolean;
  until: Date | null;
  isTenantBusy: boolean;
}

/** `greatest` ignores nulls: `until` is the end of the last obstacle. */
const NAMED = `
  SELECT host, is_retry, CASE WHEN until > ${timeOr('$2')} THEN until END AS until, runs, connections,
    is_tenant_busy
  FROM (
    SELECT a.imap_host AS host, r.status = 'WAITING_RETRY' AS is_retry,
      greatest(r.next_attempt_at, a.throttled_until, h.cooling_until) AS until,
      at_host.runs, at_host.connections,
      EXISTS (SELECT 1 FROM sync_run o JOIN email_account b ON b.id = o.account_id
        WHERE o.status = 'RUNNING' AND b.tenant_id = a.tenant_id) AS is_tenant_busy
    FROM sync_run r JOIN email_account a ON a.id = r.account_id LEFT JOIN imap_host h ON h.host = a.imap_host
    CROSS JOIN LATERAL (
      SELECT count(*)::int AS runs, coalesce(sum(o.connections), 0)::int AS connections
      FROM sync_run o JOIN email_account b ON b.id = o.account_id
      WHERE o.status = 'RUNNING' AND b.imap_host = a.imap_host
    ) at_host
    WHERE r.id = $1 AND r.status IN ('QUEUED', 'WAITING_RETRY')
  ) named`;

async function claim(tx: Sql, runId: string, at: At): Promise<ClaimedRun | null> {
  const token = randomUUID();
  const [row] = await tx.query<SyncRun & { tenantId: string; loginVersion: number }>(
    `UPDATE sync_run r SET status = 'RUNNING', phase = 'CONNECTING', lease_token = $2, ${newLease('$3')},
       started_at = coalesce(started_at, ${timeOr('$3')}), turn_began_at = ${timeOr('$3')}, connections = 1,
       error_code = NULL, error_message = NULL, sequence = sequence + 1, progress_at = ${timeOr('$3')}
     FROM email_account a
     WHERE r.id = $1 AND r.status = 'QUEUED' AND a.id = r.account_id
     RETURNING r.*, a.tenant_id, a.login_version`,
    [runId, token, at],
  );
  if (!row) return null;
  const { loginVersion, ...run } = row;
  const { tenantId } = run;
  await tx.query(`UPDATE tenant SET served_at = ${timeOr('$2')} WHERE id = $1`, [tenantId, at]);
  return { run, lease: { runId, accountId: run.accountId, tenantId, token, loginVersion } };
}

/** Extends the lease. Returns false if it is lost, because the run was cancelled or taken over. */
export async function extendLease(pool: Pool, lease: Lease, at: At = null): Promise<boolean> {
  const rows = await sqlOf(pool).query(EXTEND_LEASE.text, EXTEND_LEASE.values({ ...leaseParameters(lease), at }));
  return rows.length > 0;
}

const EXTEND_LEASE = namedStatement(`UPDATE sync_run SET ${newLease('@at')} WHERE ${isHeld()} RETURNING 1`);

function newLease(at: Parameter): string {
  return `lease_expires_at = ${timeOr(at)} + interval '${LEASE_SECONDS} seconds'`;
}
