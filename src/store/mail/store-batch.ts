import type { Pool } from 'pg';
import { PARSER_VERSION } from '../../domain/parsed-message.ts';
import { keysOf } from '../../domain/threads.ts';
import { MailtideError } from '../../errors.ts';
import type { SyncRun } from '../../generated/prisma/client.ts';
import { discardStalePlans } from '../plumbing/discard-stale-plans.ts';
import { inTransaction, type Lease, type Sql, sqlOf } from '../plumbing/sql.ts';
import { type Batch, type BatchItem, type Known, planBatch } from './plan-batch.ts';
import { writeBatch } from './write-batch.ts';

/**
 * Stores a batch of bodies in one transaction: messages not known by their SHA-256 with source, attachments and thread,
 * the location of each, its events, the run's counters.
 *
 * A look at what is known, without a lock, and one statement that writes, and only if the account's chain still has the
 * head that was seen: whatever changes what an account knows appends to it, or counts its thread revision. So nobody
 * waits while this thinks, and in
 * the embedded database, where everybody would, nobody waits longer than for that statement. Only where more is to be
 * done than one statement can, or somebody else was quicker, the account is locked first.
 * @throws LEASE_LOST, or the database's error for data that it does not take (SQLSTATE classes 22 and 54).
 */
export async function storeBatch(pool: Pool, lease: Lease, batch: Batch): Promise<SyncRun> {
  return (await storeUnlocked(pool, lease, batch)) ?? inTransaction(pool, (tx) => storeLocked(tx, lease, batch));
}

async function storeUnlocked(pool: Pool, lease: Lease, batch: Batch): Promise<SyncRun | undefined> {
  const client = await pool.connect();
  let failed: Error | undefined;
  try {
    await discardStalePlans(client, batch.items.length);
    const sql = sqlOf(client);
    const known = await lookUp(sql, lease, batch.items);
    const plan = planBatch(batch, known);
    if (batch.also || plan.threads.merges.length > 0) return undefined;
    return await writeBatch(sql, lease, batch, plan, known);
  } catch (error) {
    failed = error as Error;
    throw error;
  } finally {
    // As the pool does it itself: after a time-out the connection may still wait for the answer, and is nobody else's.
    client.release(failed);
  }
}

/** The locks come first: a look sees what was there when it began, and not what it had to wait for. */
async function storeLocked(tx: Sql, lease: Lease, batch: Batch): Promise<SyncRun> {
  await tx.query(LOCK, [lease.runId]);
  const known = await lookUp(tx, lease, batch.items);
  const plan = planBatch(batch, known);
  const run = await writeBatch(tx, lease, batch, plan, known);
  for (const [from, into] of plan.threads.merges) await mergeThreads(tx, lease.accountId, from, into);
  return (await batch.also?.(tx)) ?? run!;
}

const LOCK = `SELECT FROM sync_run r JOIN email_account a ON a.id = r.account_id WHERE r.id = $1 FOR UPDATE OF r, a`;

/**
 * The fence, the chain's head and what the account has of these messages, in one look. Each key is looked up by itself
 * (the LIMITs keep it so): of a list the planner, which knows nothing of tables that are just being filled, was seen to
 * read all references of the account for every batch.
 */
async function lookUp(tx: Sql, lease: Lease, items: readonly BatchItem[]): Promise<Known> {
  const [row] = await tx.query<{
    seq: bigint;
    hash: Buffer;
    threadRevision: number;
    messages: { sha256: string; id: string }[] | null;
    threads: { ref: string; thread: string; carrier: string | null; old: boolean }[] | null;
  }>(
    `SELECT a.event_seq AS seq, a.event_hash AS hash, a.thread_revision,
       (SELECT json_agg(json_build_object('sha256', encode(m.sha256, 'hex'), 'id', m.id))
        FROM unnest($3::text[]) AS h CROSS JOIN LATERAL (
          SELECT sha256, id FROM message WHERE account_id = a.id AND sha256 = decode(h, 'hex') LIMIT 1) AS m
       ) AS messages,
       (SELECT json_agg(json_build_object('ref', t.ref::text, 'thread', t.thread_id, 'carrier', t.carrier::text,
          'old', t.parser_version < ${PARSER_VERSION}))
        FROM unnest($4::bigint[]) AS r(ref) CROSS JOIN LATERAL (
          SELECT ref, thread_id, carrier, parser_version FROM thread_reference
          WHERE account_id = a.id AND ref = r.ref LIMIT 1) AS t
       ) AS threads
     FROM sync_run r JOIN email_account a ON a.id = r.account_id
     WHERE r.id = $1 AND r.lease_token = $2 AND r.status = 'RUNNING'`,
    [
      lease.runId,
      lease.token,
      items.map((item) => item.message.sha256),
      [...new Set(items.flatMap((item) => keysOf(item.message.links)))],
    ],
  );
  if (!row) throw new MailtideError('LEASE_LOST');
  return {
    seq: row.seq,
    hash: row.hash,
    threadRevision: row.threadRevision,
    messages: new Map(row.messages?.map(({ sha256, id }) => [sha256, id])),
    references: new Map(
      row.threads?.map(({ ref, thread, carrier, old }) => [
        BigInt(ref),
        { threadId: thread, carrier: carrier === null ? null : BigInt(carrier), isOld: old },
      ]),
    ),
  };
}

/**
 * A reply that refers to two threads joins them. References are found by their thread alone: asked for the account too,
 * the planner was seen to read all that the account has.
 */
export async function mergeThreads(tx: Sql, accountId: string, from: string, into: string): Promise<void> {
  await tx.query('UPDATE message SET thread_id = $2 WHERE thread_id = $1', [from, into]);
  await tx.query('UPDATE thread_reference SET thread_id = $2 WHERE thread_id = $1', [from, into]);
  await tx.query('DELETE FROM thread WHERE id = $1 AND account_id = $2', [from, accountId]);
}
