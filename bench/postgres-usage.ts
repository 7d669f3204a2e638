import { readdirSync, readFileSync } from 'node:fs';
import type { Client } from 'pg';
import { usageOf } from './usage.ts';

/** The resources that a PostgreSQL server has used so far. */
export interface PostgresUsage {
  readonly cpuSeconds: number;
  readonly transactions: number;
  readonly walBytes: number;
}

/**
 * Reads them for the server behind a session, with all its processes, on this machine, including vacuum and
 * checkpoints.
 */
export async function postgresUsage(client: Client): Promise<PostgresUsage> {
  const { rows } = await client.query<{ pid: number; transactions: string; wal: string }>(
    `SELECT pg_backend_pid() AS pid, (SELECT sum(xact_commit) FROM pg_stat_database) AS transactions,
       pg_current_wal_lsn() - '0/0' AS wal`,
  );
  const { pid, transactions, wal } = rows[0]!;
  const postmaster = parentOf(pid)!;
  const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && parentOf(Number(name)) === postmaster);
  const cpuSeconds = [postmaster, ...children.map(Number)].reduce((sum, one) => sum + cpuOf(one), 0);
  return { cpuSeconds, transactions: Number(transactions), walBytes: Number(wal) };
}

/** A process that has ended meanwhile is counted by its parent. */
function cpuOf(pid: number): number {
  try {
    return usageOf(pid).cpuSeconds;
  } catch {
    return 0;
  }
}

function parentOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return null;
  }
}
