import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { extendLease, LEASE_SECONDS } from '../../store/runs/claim-run.ts';
import type { Lease } from '../../store/runs/lease.ts';

const EVERY_MS = (LEASE_SECONDS * 1000) / 4;

/**
 * Extends a lease from a timer, not from progress, because a run that waits for a slow server is alive. It calls
 * `onLost` when the lease is lost, and when the database has not answered for the duration of the lease, since it may
 * be lost.
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
      // The next write checks whether the lease still holds.
      (error: unknown) => log.warn({ err: error }, 'heartbeat failed'),
    );
  }, EVERY_MS);
  return { stop: () => clearInterval(timer) };
}
