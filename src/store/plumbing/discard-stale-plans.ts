import type { PoolClient } from 'pg';

/** By connection: rows written through it, and at how many its plans are made anew. */
const written = new WeakMap<PoolClient, { rows: number; anewAt: number }>();

/**
 * To be called before `rows` are written in bulk. PostgreSQL plans the look behind a foreign key once in a session and
 * keeps to it: planned while a table was small, and known to be, it reads all of the table for every row, until
 * autovacuum comes by, which was seen to make a first sync four times as long. So a connection plans anew each time
 * that as much again has been written through it. (The embedded database has few such looks left.)
 */
export async function discardStalePlans(client: PoolClient, rows: number): Promise<void> {
  const { rows: before, anewAt } = written.get(client) ?? { rows: 0, anewAt: 0 };
  const now = { rows: before + rows, anewAt };
  if (before >= anewAt) {
    await client.query('DISCARD PLANS');
    now.anewAt = 2 * now.rows;
  }
  written.set(client, now);
}
