import type { Pool } from 'pg';
import type { MessageMetadata } from '../../domain/imap-types.ts';
import { MailtideError } from '../../errors.ts';
import type { SyncRun } from '../../generated/prisma/client.ts';
import { namedStatement } from '../plumbing/named-statement.ts';
import { sqlOf } from '../plumbing/sql.ts';
import { fenced, isHeld, type Lease, leaseParameters } from '../runs/lease.ts';
import { recordProgress } from '../runs/record-progress.ts';

/** A mailbox in one generation, to which UIDs belong. */
export interface MailboxRef {
  readonly id: string;
  readonly path: string;
  readonly generation: number;
  readonly uidValidity: bigint;
}

/** Returns the present UIDs from `fromUid` on, up to `toUid`, ascending. */
export async function presentUids(
  pool: Pool,
  mailbox: Pick<MailboxRef, 'id' | 'generation'>,
  fromUid: number,
  toUid: number | null = null,
): Promise<number[]> {
  const rows = await sqlOf(pool).query<{ uids: string | null }>(
    // One string instead of one row each, so that a mailbox of 100,000 messages is read in milliseconds.
    `SELECT string_agg(uid::text, ',' ORDER BY uid) AS uids FROM message_location
     WHERE mailbox_id = $1 AND generation = $2 AND uid >= $3 AND ($4::bigint IS NULL OR uid <= $4)
       AND deleted_at IS NULL`,
    [mailbox.id, mailbox.generation, fromUid, toUid],
  );
  return rows[0]?.uids ? rows[0].uids.split(',').map(Number) : [];
}

/** Returns the number of present UIDs below `belowUid`, or of all if it is null. */
export async function countPresent(pool: Pool, mailbox: MailboxRef, belowUid: number | null): Promise<number> {
  const [row] = await sqlOf(pool).query<{ live: number }>(
    `SELECT count(*)::int AS live FROM message_location
     WHERE mailbox_id = $1 AND generation = $2 AND ($3::bigint IS NULL OR uid < $3) AND deleted_at IS NULL`,
    [mailbox.id, mailbox.generation, belowUid],
  );
  return row!.live;
}

const IS_THE_SAME = `(l.message_id IS NOT NULL AND l.state = 'STORED' AND l.size = excluded.size
  AND l.internal_date = excluded.internal_date)`;

/**
 * Adds a PENDING location for each message that the server listed. Existing ones stay unchanged, so that an enumeration
 * can be repeated. A tombstone is revived, with its message if size and date match: a server that was restored from a
 * backup may give the UID to another message.
 * @throws LEASE_LOST
 */
export async function addPending(
  pool: Pool,
  lease: Lease,
  mailbox: MailboxRef,
  metadata: readonly MessageMetadata[],
): Promise<void> {
  const [row] = await sqlOf(pool).query<{ held: boolean }>(
    ADD_PENDING.text,
    ADD_PENDING.values({
      ...leaseParameters(lease),
      mailboxId: mailbox.id,
      generation: mailbox.generation,
      accountId: lease.accountId,
      uids: metadata.map((row) => row.uid),
      flags: metadata.map((row) => row.flags.join(' ')),
      modseqs: metadata.map((row) => row.modseq),
      internalDates: metadata.map((row) => row.internalDate),
      // A size beyond int4 is wrong or enormous: either way the message is fetched alone or not at all.
      sizes: metadata.map((row) => Math.min(row.size, 2 ** 31 - 1)),
      emailIds: metadata.map((row) => row.emailId),
    }),
  );
  if (!row!.held) throw new MailtideError('LEASE_LOST');
}

/**
 * The statement contains the fence, instead of a transaction around it: a large mailbox takes many of these statements,
 * and each answer of the database waits for the event loop, which is busy reading the list.
 */
const ADD_PENDING = namedStatement(`
  WITH held AS (
    SELECT FROM sync_run WHERE ${isHeld()} FOR UPDATE
  ),
  added AS (
    INSERT INTO message_location AS l (mailbox_id, generation, uid, account_id, flags, modseq, internal_date, size,
      email_id)
    SELECT @mailboxId, @generation, m.uid, @accountId, string_to_array(m.flags, ' '), m.modseq, m.internal_date, m.size, m.email_id
    FROM unnest(@uids::bigint[], @flags::text[], @modseqs::bigint[], @internalDates::timestamptz[], @sizes::int[],
      @emailIds::text[])
      AS m(uid, flags, modseq, internal_date, size, email_id)
    WHERE EXISTS (SELECT FROM held)
    ON CONFLICT (mailbox_id, generation, uid) DO UPDATE
      SET deleted_at = NULL, flags = excluded.flags, modseq = excluded.modseq, email_id = excluded.email_id,
        size = excluded.size, internal_date = excluded.internal_date,
        state = CASE WHEN ${IS_THE_SAME} THEN 'STORED' ELSE 'PENDING' END::"MessageState",
        message_id = CASE WHEN ${IS_THE_SAME} THEN l.message_id END
      WHERE l.deleted_at IS NOT NULL
  )
  SELECT EXISTS (SELECT FROM held) AS held`);

export interface PendingLocation {
  readonly uid: number;
  readonly size: number;
  /** Number of failed attempts to fetch it. */
  readonly attempts: number;
  readonly internalDate: Date | null;
}

/** Returns the next PENDING locations below `belowUid`, newest first. */
export async function nextPending(
  pool: Pool,
  mailbox: MailboxRef,
  belowUid: number | null,
  limit: number,
): Promise<PendingLocation[]> {
  const rows = await sqlOf(pool).query<{ uid: bigint; size: number; attempts: number; internalDate: Date | null }>(
    `SELECT uid, size, attempts, internal_date FROM message_location
     WHERE mailbox_id = $1 AND generation = $2 AND state = 'PENDING' AND deleted_at IS NULL
       AND ($3::bigint IS NULL OR uid < $3)
     ORDER BY uid DESC LIMIT $4`,
    [mailbox.id, mailbox.generation, belowUid, limit],
  );
  return rows.map((row) => ({ ...row, uid: Number(row.uid) }));
}

/** Returns the UID of the smallest of the newest stored messages; null if none is stored. */
export async function anyStoredUid(pool: Pool, mailbox: MailboxRef): Promise<number | null> {
  const [row] = await sqlOf(pool).query<{ uid: bigint }>(
    `SELECT uid FROM (
       SELECT uid, size FROM message_location
       WHERE mailbox_id = $1 AND generation = $2 AND state = 'STORED' AND deleted_at IS NULL
       ORDER BY uid DESC LIMIT 50
     ) newest ORDER BY size LIMIT 1`,
    [mailbox.id, mailbox.generation],
  );
  return row ? Number(row.uid) : null;
}

/** Returns the ids of the messages at present locations: of `uids`, of older generations, or of a whole mailbox. */
export async function messagesAt(
  pool: Pool,
  mailboxId: string,
  which: { generation: number; uids: readonly number[] } | { before: number } | 'all',
): Promise<string[]> {
  const [condition, values] =
    which === 'all'
      ? ['true', []]
      : 'before' in which
        ? ['generation < $2', [which.before]]
        : ['generation = $2 AND uid = ANY ($3::bigint[])', [which.generation, which.uids]];
  const rows = await sqlOf(pool).query<{ id: string }>(
    `SELECT DISTINCT message_id AS id FROM message_location
     WHERE mailbox_id = $1 AND deleted_at IS NULL AND message_id IS NOT NULL AND ${condition}`,
    [mailboxId, ...values],
  );
  return rows.map((row) => row.id);
}

/** Tombstones PENDING locations that the server expunged before their bytes arrived. No event: nothing was received. */
export function dropPending(pool: Pool, lease: Lease, mailbox: MailboxRef, uids: readonly number[]): Promise<SyncRun> {
  return fenced(pool, lease, async (tx) => {
    const rows = await tx.query(
      `UPDATE message_location SET deleted_at = now()
       WHERE mailbox_id = $1 AND generation = $2 AND uid = ANY ($3::bigint[]) AND state = 'PENDING'
         AND deleted_at IS NULL RETURNING 1`,
      [mailbox.id, mailbox.generation, uids],
    );
    return recordProgress(tx, lease, { add: { messagesProcessed: rows.length } });
  });
}
