import type { Pool } from 'pg';
import { newId } from '../src/domain/ids.ts';
import { firstDue } from '../src/domain/schedule.ts';

/** Rows in one INSERT. */
const BATCH = 20_000;
/** The first tenant has a tenth of the installation. */
const LARGEST_SHARE = 0.1;

/** Shares of accounts at the large providers; the others are spread over small hosts. */
const PROVIDERS: readonly (readonly [string, number])[] = [
  ['imap.gmail.com', 0.3],
  ['outlook.office365.com', 0.15],
  ['imap.mail.yahoo.com', 0.1],
  ['imap.mail.me.com', 0.05],
];
const SMALL_HOSTS = 5000;

/**
 * Fills a database with accounts without a server. Each has a due time drawn by the service's own code, and a finished
 * run. Returns when each is due, in milliseconds since 1970.
 */
export async function fillAccounts(
  pool: Pool,
  { count, tenants, intervalMinutes, now }: { count: number; tenants: number; intervalMinutes: number; now: Date },
): Promise<Map<string, number>> {
  const tenantIds = Array.from({ length: tenants }, newId);
  await pool.query(`INSERT INTO tenant (id, name) SELECT id, id::text FROM unnest($1::uuid[]) AS t(id)`, [tenantIds]);
  const due = new Map<string, number>();
  for (let from = 0; from < count; from += BATCH) {
    const ids = Array.from({ length: Math.min(BATCH, count - from) }, newId);
    const times = ids.map(() => firstDue(now, intervalMinutes, Math.random()));
    for (const [i, id] of ids.entries()) due.set(id, times[i]!.getTime());
    await pool.query(
      `INSERT INTO email_account (id, tenant_id, email_address, imap_host, imap_port, imap_security, imap_username,
         credentials, event_hash, next_sync_at, last_sync_at, last_sync_status, sync_count, updated_at)
       SELECT id, tenant_id, id || '@example.com', host, 993, 'TLS', id || '@example.com', repeat('x', 120),
         decode(repeat('00', 32), 'hex'), due, $5, 'SUCCEEDED', 1, $5
       FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[]) AS a(id, tenant_id, host, due)`,
      [ids, ids.map(() => tenantOf(tenantIds)), ids.map(hostOf), times, now],
    );
    await pool.query(
      `INSERT INTO sync_run (id, account_id, mode, trigger, status, phase, queued_at, requested_at, started_at, finished_at,
         progress_at, sequence)
       SELECT run_id, account_id, 'INCREMENTAL', 'SCHEDULE', 'SUCCEEDED', 'DONE', $3, $3, $3, $3, $3, 8
       FROM unnest($1::uuid[], $2::uuid[]) AS r(run_id, account_id)`,
      [ids.map(() => newId()), ids, new Date(now.getTime() - intervalMinutes * 60_000)],
    );
  }
  await pool.query('VACUUM (ANALYZE) tenant, email_account, sync_run');
  return due;
}

const tenantOf = (ids: readonly string[]): string =>
  Math.random() < LARGEST_SHARE ? ids[0]! : ids[Math.floor(Math.random() * ids.length)]!;

function hostOf(): string {
  let share = Math.random();
  for (const [host, part] of PROVIDERS) {
    if (share < part) return host;
    share -= part;
  }
  return `imap.host-${Math.floor(Math.random() * SMALL_HOSTS)}.example`;
}
