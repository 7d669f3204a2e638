import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { extendLease, LEASE_SECONDS } from '../store/runs/claim-run.ts';
import type { Lease } from '../store/sql.ts';

/** Prolongs a lease from a timer, not from progress: a run that waits for a slow server is alive. */
export function startHeartbeat(pool: Pool, lease: Lease, onLost: () => void, log: Logger): { stop(): void } {
  const timer = setInterval(
    () => {
      extendLease(pool, lease).then(
        (held) => {
          if (!held) onLost();
        },
        // The database will say at the next write whether the lease still holds.
        (error: unknown) => log.warn({ err: error }, 'heartbeat failed'),
      );
    },
    (LEASE_SECONDS * 1000) / 4,
  );
  return { stop: () => clearInterval(timer) };
}
