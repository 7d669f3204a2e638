import type { Pool } from 'pg';

/** When somebody waits for every transaction. Milliseconds. */
const SHORTEST_MS = 10;
/** When nobody does: larger ones cost less in all, and the first to come waits for one of them. Milliseconds. */
const LONGEST_MS = 60;
/** How many of the latest transactions tell how many are waited for. */
const REMEMBERED = 8;

/**
 * How long a transaction of a sync may take in the embedded database, where everybody else waits for it: when
 * every second one is waited for, twice as long as when each is. Who asks has just ended one, and whoever waited for it
 * has a connection now, or is next for one.
 */
export function transactionTime(pool: Pick<Pool, 'totalCount' | 'idleCount' | 'waitingCount'>): () => number {
  // Who comes first need not be the first that waits long.
  let waitedFor = 1;
  return () => {
    const isWaitedFor = pool.totalCount - pool.idleCount + pool.waitingCount > 0;
    waitedFor += (Number(isWaitedFor) - waitedFor) / REMEMBERED;
    return Math.min(LONGEST_MS, SHORTEST_MS / waitedFor);
  };
}
