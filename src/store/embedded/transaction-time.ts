import type { Pool } from 'pg';

/** If another client waits for every transaction, in milliseconds. */
const SHORTEST_MS = 10;
/**
 * If none waits, in milliseconds: longer transactions cost less in total, and the next client waits for one of them.
 */
const LONGEST_MS = 60;
/** Number of recent transactions over which the share of waiting ones is averaged. */
const REMEMBERED = 8;

/**
 * Returns how long a transaction of a sync may take in the embedded database, where all other clients wait for it: if
 * clients wait for every second one, twice as long as if they wait for each. To be called after each transaction: a
 * client that waited for it then has a connection, or waits for one.
 */
export function transactionTime(pool: Pick<Pool, 'totalCount' | 'idleCount' | 'waitingCount'>): () => number {
  // Begins with the shortest time, so that the first client does not wait long.
  let waitedFor = 1;
  return () => {
    const isWaitedFor = pool.totalCount - pool.idleCount + pool.waitingCount > 0;
    waitedFor += (Number(isWaitedFor) - waitedFor) / REMEMBERED;
    return Math.min(LONGEST_MS, SHORTEST_MS / waitedFor);
  };
}
