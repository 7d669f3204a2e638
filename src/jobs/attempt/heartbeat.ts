import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Lease } from '../../store/plumbing/sql.ts';
import { extendLease, LEASE_SECONDS } from '../../store/runs/claim-run.ts';

const EVERY_MS = (LEASE_SECONDS * 1000) / 4;

/**
 * Prolongs a lease from a timer, not from progress: a run that waits for a slow server is alive. `onLost` is called when
 * it is another's; also when the database has not answered for as long as it holds, for by then it may be.
 */
export function startHeartbeat(pool: Pool, lease: Lease, onLost: () => void, log: Logger): { stop(): void } {
  let heldUntil = performance.now() + LEASE_SECONDS * 1000;
  const timer = setInterval(() => {
    const began = performance.now();
    if (began > heldUntil) onLost();
    extendLease(pool, lease).then(
      (held) => {
        if (held) heldUntil = began + LEASE_SECONDS * 1000;
        else onLost();
      },
      // The database will say at the next write whether the lease still holds.
      (error: unknown) => log.warn({ err: error }, 'heartbeat failed'),
    );
  }, EVERY_MS);
  return { stop: () => clearInterval(timer) };
}
