import type { Pool } from 'pg';
import { PARSER_VERSION } from '../../domain/parsed-message.ts';
import { keysOf } from '../../domain/threads.ts';
import { MailtideError } from '../../errors.ts';
import type { SyncRun } from '../../generated/prisma/client.ts';
import { discardStalePlans } from '../plumbing/discard-stale-plans.ts';
import { namedStatement } from '../plumbing/named-statement.ts';
import { inTransaction, type Sql, sqlOf, type Transaction } from '../plumbing/sql.ts';
import { isHeld, type Lease, leaseParameters } from '../runs/lease.ts';
import { type Batch, type BatchItem, type Known, planBatch } from './plan-batch.ts';
import { writeBatch } from './write-batch.ts';

/**
 * Stores a batch of bodies in one transaction: new messages (by their SHA-256) with source, attachments and thread, the
 * location of each, its events, and the run's counters.
 *
 * It looks up what is stored without a lock, and then writes with one statement. The statement writes only if the
 * account's chain still has the head that was read, and the same thread revision: every change to what an account has
 * stored appends to the chain or raises the revision. So no other client waits while the batch is planned, and in the
 * embedded database, which has one session, none waits longer than for that statement. The account is locked first only
 * if one statement is not enough, or if another writer was faster: docs/decisions/0015-batch-without-a-lock.md.
 * @throws LEASE_LOST, or the database's error for data that it rejects (SQLSTATE classes 22 and 54)
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
    // As the pool does: after a timeout, the connection may still wait for the answer, and must not be reused.
    client.release(failed);
  }
}

/**
 * Stores a batch with the account locked. It locks in a separate statement: a query sees only what preceded its start.
 */
async function storeLocked(tx: Transaction, lease: Lease, batch: Batch): Promise<SyncRun> {
  await tx.query(LOCK, [lease.runId]);
  const known = await lookUp(tx, lease, batch.items);
  const plan = planBatch(batch, known);
  const run = await writeBatch(tx, lease, batch, plan, known);
  for (const [from, into] of plan.threads.merges) await mergeThreads(tx, lease.accountId, from, into);
  return (await batch.also?.(tx)) ?? run!;
}

const LOCK = `SELECT FROM sync_run r JOIN email_account a ON a.id = r.account_id WHERE r.id = $1 FOR UPDATE OF r, a`;

/** Checks the fence, and reads the chain's head and what the account has stored of these messages, in one query. */
async function lookUp(tx: Sql, lease: Lease, items: readonly BatchItem[]): Promise<Known> {
  const [row] = await tx.query<{
    seq: bigint;
    hash: Buffer;
    threadRevision: number;
    messages: { sha256: string; id: string }[] | null;
    threads: { ref: string; thread: string; carrier: string | null; old: boolean }[] | null;
  }>(
    LOOK_UP.text,
    LOOK_UP.values({
      ...leaseParameters(lease),
      hashes: items.map((item) => item.message.sha256),
      refs: [...new Set(items.flatMap((item) => keysOf(item.message.links)))],
    }),
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
 * The LIMITs make PostgreSQL look up each key separately. With a list of keys, the planner, which has no statistics of
 * tables that are just being filled, read all references of the account for every batch.
 */
const LOOK_UP = namedStatement(`
  SELECT a.event_seq AS seq, a.event_hash AS hash, a.thread_revision,
    (SELECT json_agg(json_build_object('sha256', encode(m.sha256, 'hex'), 'id', m.id))
     FROM unnest(@hashes::text[]) AS h CROSS JOIN LATERAL (
       SELECT sha256, id FROM message WHERE account_id = a.id AND sha256 = decode(h, 'hex') LIMIT 1) AS m
    ) AS messages,
    (SELECT json_agg(json_build_object('ref', t.ref::text, 'thread', t.thread_id, 'carrier', t.carrier::text,
       'old', t.parser_version < ${PARSER_VERSION}))
     FROM unnest(@refs::bigint[]) AS r(ref) CROSS JOIN LATERAL (
       SELECT ref, thread_id, carrier, parser_version FROM thread_reference
       WHERE account_id = a.id AND ref = r.ref LIMIT 1) AS t
    ) AS threads
  FROM sync_run r JOIN email_account a ON a.id = r.account_id
  WHERE ${isHeld('r')}`);

/**
 * Merges two threads, which a reply that refers to both has joined. References are found by their thread alone: with
 * the account as another condition, the planner read all references of the account.
 */
export async function mergeThreads(tx: Sql, accountId: string, from: string, into: string): Promise<void> {
  await tx.query('UPDATE message SET thread_id = $2 WHERE thread_id = $1', [from, into]);
  await tx.query('UPDATE thread_reference SET thread_id = $2 WHERE thread_id = $1', [from, into]);
  await tx.query('DELETE FROM thread WHERE id = $1 AND account_id = $2', [from, accountId]);
}
