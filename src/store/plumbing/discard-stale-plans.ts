import type { PoolClient } from 'pg';

/** By connection: the number of rows written through it, and the number at which its plans are discarded. */
const written = new WeakMap<PoolClient, { rows: number; discardAt: number }>();

/**
 * To be called before `rows` are written in bulk. PostgreSQL plans a foreign key check once per session. If the table
 * was small then, and known to be, the check reads the whole table for every row until autovacuum runs, which made a
 * first sync four times as long. So a connection discards its plans each time the rows written through it have doubled.
 * (The embedded database has few such checks left.)
 */
export async function discardStalePlans(client: PoolClient, rows: number): Promise<void> {
  const { rows: before, discardAt } = written.get(client) ?? { rows: 0, discardAt: 0 };
  const now = { rows: before + rows, discardAt };
  if (before >= discardAt) {
    await client.query('DISCARD PLANS');
    now.discardAt = 2 * now.rows;
  }
  written.set(client, now);
}
