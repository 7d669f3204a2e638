import type { Pool } from 'pg';
import { newId } from '../../domain/ids.ts';
import type { MessageColumns, MessageDigest } from '../../domain/parsed-message.ts';
import { assignThreads } from '../../domain/threads.ts';
import { MailtideError } from '../../errors.ts';
import type { SyncRun } from '../../generated/prisma/client.ts';
import { chainEvents } from '../../timeline/chain.ts';
import type { EventInput } from '../../timeline/schemas.ts';
import { appendedSql, eventColumns } from '../append-events.ts';
import { heldRun, progressValues, recordSql } from '../runs/record-progress.ts';
import { inTransaction, type Lease, type Sql, sqlOf } from '../sql.ts';
import type { MailboxRef } from './locations.ts';

export interface BatchItem {
  readonly uid: number;
  readonly internalDate: Date | null;
  /** Its place in the batch's columns. */
  readonly index: number;
  readonly message: MessageDigest;
}

export interface Batch {
  readonly mailbox: MailboxRef;
  readonly items: readonly BatchItem[];
  /** What is stored of the messages, at their indexes; of others too when the batch is a part of a digested one. */
  readonly columns: MessageColumns;
  /** How many messages the columns are of. */
  readonly size: number;
  /** Messages that are about to disappear from another place: their coming here is a move, told when they are gone. */
  readonly onTheMove: ReadonlySet<string>;
  /** What else belongs to the same transaction; resolves to the run as it then is. */
  readonly also?: (tx: Sql) => Promise<SyncRun>;
}

/**
 * Stores a batch of bodies in one transaction: messages not known by their SHA-256 with source, attachments and thread,
 * the location of each, its events, the run's counters.
 *
 * A look at what is known, without a lock, and one statement that writes, and only if the account's chain still has the
 * head that was seen: whatever changes what an account knows appends to it. So nobody waits while this thinks, and in
 * the embedded database, where everybody would, nobody waits longer than for that statement. Only where more is to be
 * done than one statement can, or somebody else was quicker, the account is locked first.
 * @throws LEASE_LOST, or the database's error for data that it does not take (SQLSTATE classes 22 and 54).
 */
export async function storeBatch(pool: Pool, lease: Lease, batch: Batch): Promise<SyncRun> {
  const sql = sqlOf(pool);
  const known = await lookUp(sql, lease, batch.items);
  const plan = planBatch(batch, known);
  if (!batch.also && plan.threads.merges.length === 0) {
    const run = await write(sql, lease, batch, plan, known);
    if (run) return run;
  }
  return inTransaction(pool, (tx) => storeLocked(tx, lease, batch));
}

async function storeLocked(tx: Sql, lease: Lease, batch: Batch): Promise<SyncRun> {
  const known = await lookUp(tx, lease, batch.items, 'FOR UPDATE OF r, a');
  const plan = planBatch(batch, known);
  const run = await write(tx, lease, batch, plan, known);
  for (const [from, into] of plan.threads.merges) await mergeThreads(tx, lease.accountId, from, into);
  return (await batch.also?.(tx)) ?? run!;
}

interface Known {
  readonly seq: bigint;
  readonly hash: Buffer;
  /** Message ids by hex SHA-256. */
  readonly messages: ReadonlyMap<string, string>;
  /** Thread ids by reference key. */
  readonly threads: ReadonlyMap<bigint, string>;
}

/**
 * The fence, the chain's head and what the account has of these messages, in one look, which may lock run and account. Each
 * key is looked up by itself (the LIMITs keep it so): of a list the planner, which knows nothing of tables that are just
 * being filled, was seen to read all references of the account for every batch.
 */
async function lookUp(tx: Sql, lease: Lease, items: readonly BatchItem[], lock = ''): Promise<Known> {
  const [row] = await tx.query<{
    seq: bigint;
    hash: Buffer;
    messages: { sha256: string; id: string }[] | null;
    threads: { ref: string; id: string }[] | null;
  }>(
    `SELECT a.event_seq AS seq, a.event_hash AS hash,
       (SELECT json_agg(json_build_object('sha256', encode(m.sha256, 'hex'), 'id', m.id))
        FROM unnest($3::text[]) AS h CROSS JOIN LATERAL (
          SELECT sha256, id FROM message WHERE account_id = a.id AND sha256 = decode(h, 'hex') LIMIT 1) AS m
       ) AS messages,
       (SELECT json_agg(json_build_object('ref', t.ref::text, 'id', t.thread_id))
        FROM unnest($4::bigint[]) AS r(ref) CROSS JOIN LATERAL (
          SELECT ref, thread_id FROM thread_reference WHERE account_id = a.id AND ref = r.ref LIMIT 1) AS t
       ) AS threads
     FROM sync_run r JOIN email_account a ON a.id = r.account_id
     WHERE r.id = $1 AND r.lease_token = $2 AND r.status = 'RUNNING'
     ${lock}`,
    [
      lease.runId,
      lease.token,
      items.map((item) => item.message.sha256),
      [...new Set(items.flatMap((item) => item.message.references))],
    ],
  );
  if (!row) throw new MailtideError('LEASE_LOST');
  return {
    seq: row.seq,
    hash: row.hash,
    messages: new Map(row.messages?.map(({ sha256, id }) => [sha256, id])),
    threads: new Map(row.threads?.map(({ ref, id }) => [BigInt(ref), id])),
  };
}

/** Pure: what a batch changes, given what is known. */
function planBatch({ mailbox, items, onTheMove }: Batch, known: Known) {
  const ids = new Map(known.messages);
  const told: boolean[] = [];
  const created: { id: string; item: BatchItem }[] = [];
  const events: EventInput[] = [];
  let bytes = 0n;
  for (const item of items) {
    const { message } = item;
    bytes += BigInt(message.size);
    const place = {
      mailboxId: mailbox.id,
      mailbox: mailbox.path,
      uidValidity: mailbox.uidValidity.toString(),
      uid: item.uid,
    };
    const knownId = ids.get(message.sha256);
    told.push(knownId === undefined || !onTheMove.has(knownId));
    if (knownId === undefined) {
      const id = newId();
      ids.set(message.sha256, id);
      created.push({ id, item });
      const receivedAt = receivedAtOf(item).toISOString();
      events.push({
        type: 'email_received',
        payload: { messageId: id, ...place, sha256: message.sha256, size: message.size, receivedAt },
      });
    } else if (told.at(-1)) {
      events.push({ type: 'email_copied', payload: { messageId: knownId, ...place } });
    }
  }
  const threads = assignThreads(
    created.map(({ id, item }) => ({ key: id, references: item.message.references })),
    known.threads,
    newId,
  );
  return { ids, created, told, events, threads, bytes };
}

const receivedAtOf = ({ internalDate, message }: BatchItem): Date => internalDate ?? message.sentAt ?? new Date();

/** Writes the batch; or nothing, and gives undefined, when the lease or the head of the chain is another by now. */
async function write(
  tx: Sql,
  lease: Lease,
  { mailbox, items, columns, size }: Batch,
  { ids, created, told, events, threads, bytes }: ReturnType<typeof planBatch>,
  head: Known,
): Promise<SyncRun | undefined> {
  const chained = chainEvents(head, lease.accountId, events, new Date());
  const last = chained.at(-1) ?? head;
  const attachments = created.flatMap(({ id, item }) =>
    item.message.attachments.map((attachment, index) => ({ id: newId(), message: id, index, ...attachment })),
  );
  // Aligned with the columns; null where nothing is to be created.
  const createdAt = new Map(created.map((message) => [message.item.index, message]));
  const aligned = <T>(value: (message: (typeof created)[number]) => T): (T | null)[] =>
    Array.from({ length: size }, (_, index) => {
      const message = createdAt.get(index);
      return message ? value(message) : null;
    });
  const uids = items.map((item) => item.uid);
  const [run] = await tx.query<SyncRun>(WRITE, [
    lease.accountId,
    ...eventColumns(chained),
    last.seq,
    last.hash,
    JSON.stringify(attachments),
    threads.newThreads,
    threads.newReferences.map(([ref]) => ref),
    threads.newReferences.map(([, thread]) => thread),
    mailbox.id,
    mailbox.generation,
    uids,
    items.map((item) => ids.get(item.message.sha256)!),
    Math.min(...uids),
    Math.max(...uids),
    aligned(({ id }) => id),
    aligned(({ id }) => threads.threadOf.get(id)!),
    aligned(({ item }) => Buffer.from(item.message.sha256, 'hex')),
    aligned(({ item }) => item.message.sentAt),
    aligned(({ item }) => receivedAtOf(item)),
    aligned(({ item }) => item.message.size),
    aligned(({ item }) => item.message.attachments.some((attachment) => !attachment.isInline)),
    columns.messageIdHeader,
    columns.subject,
    columns.from,
    columns.to,
    columns.cc,
    columns.bcc,
    columns.replyTo,
    columns.snippet,
    columns.text,
    columns.html,
    columns.parseError,
    columns.search,
    columns.zstd,
    told,
    head.seq,
    ...progressValues(lease, {
      add: {
        messagesProcessed: items.length,
        bytesProcessed: bytes,
        messagesFetched: items.length,
        bytesDownloaded: bytes,
        messagesCreated: created.length,
        eventsCreated: events.length,
      },
    }),
  ]);
  return run;
}

/** The parameter of WRITE at which the progress begins. */
const PROGRESS = 43;

/**
 * The range of UIDs says what the list says already, in a form that the planner takes to the index however little it
 * knows of the table: without it, it was seen to read all of the mailbox's locations for every batch.
 *
 * The run's row is locked before the account's, as everywhere; then the head decides about all that follows.
 */
const WRITE = `
  WITH held AS (
    SELECT FROM sync_run WHERE ${heldRun(PROGRESS)} FOR UPDATE
  ),
  head AS (
    UPDATE email_account SET event_seq = $9, event_hash = $10
    WHERE id = $1 AND event_seq = $42 AND EXISTS (SELECT FROM held) RETURNING id
  ),
  ${appendedSql('EXISTS (SELECT FROM head)')},
  new_thread AS (
    INSERT INTO thread (id, account_id) SELECT t.id, $1 FROM unnest($12::uuid[]) AS t(id) WHERE EXISTS (SELECT FROM head)
  ),
  new_reference AS (
    INSERT INTO thread_reference (account_id, ref, thread_id)
    SELECT $1, r.ref, r.thread FROM unnest($13::bigint[], $14::uuid[]) AS r(ref, thread)
    WHERE EXISTS (SELECT FROM head)
  ),
  new_message AS (
    INSERT INTO message (account_id, id, thread_id, sha256, sent_at, received_at, size, has_attachments,
      message_id_header, subject, "from", "to", cc, bcc, reply_to, snippet, text, html, parse_error, search)
    SELECT $1, m.id, m.thread, m.sha256, m.sent_at, m.received_at, m.size, m.attached,
      m.header_id, m.subject, m."from"::jsonb, m."to"::jsonb, m.cc::jsonb, m.bcc::jsonb, m.reply_to::jsonb,
      m.snippet, m.text, m.html, m.error, m.search
    FROM unnest($21::uuid[], $22::uuid[], $23::bytea[], $24::timestamptz[], $25::timestamptz[], $26::int[],
        $27::boolean[], $28::text[], $29::text[], $30::text[], $31::text[], $32::text[], $33::text[], $34::text[],
        $35::text[], $36::text[], $37::text[], $38::text[], $39::tsvector[])
      AS m(id, thread, sha256, sent_at, received_at, size, attached, header_id, subject, "from", "to", cc, bcc,
        reply_to, snippet, text, html, error, search)
    WHERE m.id IS NOT NULL AND EXISTS (SELECT FROM head)
  ),
  new_source AS (
    INSERT INTO message_source (message_id, zstd)
    SELECT s.id, s.zstd FROM unnest($21::uuid[], $40::bytea[]) AS s(id, zstd)
    WHERE s.id IS NOT NULL AND EXISTS (SELECT FROM head)
  ),
  new_attachment AS (
    INSERT INTO attachment (id, message_id, index, filename, content_type, size, content_id, is_inline)
    SELECT id, message, index, filename, "contentType", size, "contentId", "isInline"
    FROM json_to_recordset($11::json) AS a(id uuid, message uuid, index int, filename text, "contentType" text, size int,
      "contentId" text, "isInline" boolean)
    WHERE EXISTS (SELECT FROM head)
  ),
  located AS (
    UPDATE message_location l SET state = 'STORED', message_id = s.message_id, stored_at = now(), last_error = NULL,
      arrival_told = s.told
    FROM unnest($17::bigint[], $18::uuid[], $41::boolean[]) AS s(uid, message_id, told)
    WHERE l.mailbox_id = $15 AND l.generation = $16 AND l.uid = s.uid AND l.uid BETWEEN $19 AND $20
      AND EXISTS (SELECT FROM head)
  )
  ${recordSql(PROGRESS, 'EXISTS (SELECT FROM head)')}`;

/**
 * A reply that refers to two threads joins them. References are found by their thread alone: asked for the account too,
 * the planner was seen to read all that the account has.
 */
async function mergeThreads(tx: Sql, accountId: string, from: string, into: string): Promise<void> {
  await tx.query('UPDATE message SET thread_id = $2 WHERE thread_id = $1', [from, into]);
  await tx.query('UPDATE thread_reference SET thread_id = $2 WHERE thread_id = $1', [from, into]);
  await tx.query('DELETE FROM thread WHERE id = $1 AND account_id = $2', [from, accountId]);
}
