import type { Pool } from 'pg';
import { newId } from '../../domain/ids.ts';
import type { DigestedMessage } from '../../domain/parsed-message.ts';
import { assignThreads, referenceKeys } from '../../domain/threads.ts';
import { MailtideError } from '../../errors.ts';
import type { SyncRun } from '../../generated/prisma/client.ts';
import { chainEvents } from '../../timeline/chain.ts';
import type { EventInput } from '../../timeline/schemas.ts';
import { APPEND_EVENTS, eventRows } from '../append-events.ts';
import { recordProgress } from '../runs/record-progress.ts';
import { inTransaction, type Lease, type Sql } from '../sql.ts';
import type { MailboxRef } from './locations.ts';

export interface BatchItem {
  readonly uid: number;
  readonly internalDate: Date | null;
  readonly message: DigestedMessage;
}

export interface Batch {
  readonly mailbox: MailboxRef;
  readonly items: readonly BatchItem[];
  /** The zstd frames that the messages' offsets point into. */
  readonly zstd: Uint8Array;
  /** Messages that are about to disappear from another place: their coming here is a move, told when they are gone. */
  readonly onTheMove: ReadonlySet<string>;
}

/**
 * Stores a batch of bodies in one transaction: messages not known by their SHA-256 with source, attachments and thread,
 * the location of each, its events, the run's counters. Two statements between BEGIN and COMMIT, because every other
 * connection of the embedded database waits for the whole of it.
 * @throws LEASE_LOST, or the database's error for data that it does not take (SQLSTATE classes 22 and 54).
 */
export function storeBatch(pool: Pool, lease: Lease, batch: Batch): Promise<SyncRun> {
  return inTransaction(pool, async (tx) => {
    const known = await lookUp(tx, lease, batch.items);
    const plan = planBatch(batch, known);
    await write(tx, lease, batch, plan, known);
    for (const [from, into] of plan.threads.merges) await mergeThreads(tx, lease.accountId, from, into);
    return recordProgress(tx, lease, {
      add: {
        messagesProcessed: batch.items.length,
        bytesProcessed: plan.bytes,
        messagesFetched: batch.items.length,
        bytesDownloaded: plan.bytes,
        messagesCreated: plan.created.length,
        eventsCreated: plan.events.length,
      },
    });
  });
}

interface Known {
  readonly seq: bigint;
  readonly hash: Buffer;
  /** Message ids by hex SHA-256. */
  readonly messages: ReadonlyMap<string, string>;
  /** Thread ids by reference key. */
  readonly threads: ReadonlyMap<bigint, string>;
}

/** The fence, the chain's head and what the account has of these messages, in one look that locks run and account. */
async function lookUp(tx: Sql, lease: Lease, items: readonly BatchItem[]): Promise<Known> {
  const [row] = await tx.query<{
    seq: bigint;
    hash: Buffer;
    messages: { sha256: string; id: string }[] | null;
    threads: { ref: string; id: string }[] | null;
  }>(
    `SELECT a.event_seq AS seq, a.event_hash AS hash,
       (SELECT json_agg(json_build_object('sha256', encode(m.sha256, 'hex'), 'id', m.id)) FROM message m
        WHERE m.account_id = a.id AND m.sha256 IN (SELECT decode(h, 'hex') FROM unnest($3::text[]) AS h)) AS messages,
       (SELECT json_agg(json_build_object('ref', t.ref::text, 'id', t.thread_id)) FROM thread_reference t
        WHERE t.account_id = a.id AND t.ref = ANY ($4::bigint[])) AS threads
     FROM sync_run r JOIN email_account a ON a.id = r.account_id
     WHERE r.id = $1 AND r.lease_token = $2 AND r.status = 'RUNNING'
     FOR UPDATE OF r, a`,
    [
      lease.runId,
      lease.token,
      items.map((item) => item.message.sha256),
      [...new Set(items.flatMap((item) => referenceKeys(item.message)))],
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
    if (knownId === undefined) {
      const id = newId();
      ids.set(message.sha256, id);
      created.push({ id, item });
      const receivedAt = receivedAtOf(item).toISOString();
      events.push({
        type: 'email_received',
        payload: { messageId: id, ...place, sha256: message.sha256, size: message.size, receivedAt },
      });
    } else if (!onTheMove.has(knownId)) {
      events.push({ type: 'email_copied', payload: { messageId: knownId, ...place } });
    }
  }
  const threads = assignThreads(
    created.map(({ id, item }) => ({ key: id, ...item.message })),
    known.threads,
    newId,
  );
  return { ids, created, events, threads, bytes };
}

const receivedAtOf = ({ internalDate, message }: BatchItem): Date => internalDate ?? message.sentAt ?? new Date();

async function write(
  tx: Sql,
  lease: Lease,
  batch: Batch,
  { ids, created, events, threads }: ReturnType<typeof planBatch>,
  head: Known,
): Promise<void> {
  const chained = chainEvents(head, lease.accountId, events, new Date());
  const last = chained.at(-1) ?? head;
  const messages = created.map(({ id, item }) => messageRow(id, threads.threadOf.get(id)!, item));
  const attachments = created.flatMap(({ id, item }) =>
    item.message.attachments.map((attachment, index) => ({ id: newId(), message: id, index, ...attachment })),
  );
  await tx.query(WRITE, [
    lease.accountId,
    eventRows(chained),
    last.seq,
    last.hash,
    JSON.stringify(messages),
    batch.zstd,
    JSON.stringify(attachments),
    threads.newThreads,
    threads.newReferences.map(([ref]) => ref),
    threads.newReferences.map(([, thread]) => thread),
    batch.mailbox.id,
    batch.mailbox.generation,
    batch.items.map((item) => item.uid),
    batch.items.map((item) => ids.get(item.message.sha256)!),
  ]);
}

function messageRow(id: string, threadId: string, item: BatchItem) {
  const { message } = item;
  return {
    id,
    thread: threadId,
    sha256: message.sha256,
    header_id: message.messageIdHeader,
    subject: message.subject,
    from: message.from,
    to: message.to,
    cc: message.cc,
    bcc: message.bcc,
    reply_to: message.replyTo,
    sent_at: message.sentAt,
    received_at: receivedAtOf(item),
    snippet: message.snippet,
    text: message.text,
    html: message.html,
    size: message.size,
    attached: message.attachments.some((attachment) => !attachment.isInline),
    error: message.parseError,
    search: message.searchVector,
    // substring() counts from 1.
    zstd_from: message.zstdOffset + 1,
    zstd_length: message.zstdLength,
  };
}

/** The bytes of all sources are one binary parameter: an array of them would travel as hex text. */
const WRITE = `
  WITH ${APPEND_EVENTS},
  head AS (
    UPDATE email_account SET event_seq = $3, event_hash = $4 WHERE id = $1
  ),
  new_thread AS (
    INSERT INTO thread (id, account_id) SELECT unnest($8::uuid[]), $1
  ),
  new_reference AS (
    INSERT INTO thread_reference (account_id, ref, thread_id)
    SELECT $1, r.ref, r.thread FROM unnest($9::bigint[], $10::uuid[]) AS r(ref, thread)
  ),
  input AS MATERIALIZED (
    SELECT * FROM json_to_recordset($5::json) AS m(id uuid, thread uuid, sha256 text, header_id text, subject text,
      "from" jsonb, "to" jsonb, cc jsonb, bcc jsonb, reply_to jsonb, sent_at timestamptz, received_at timestamptz,
      snippet text, text text, html text, size int, attached boolean, error text, search tsvector, zstd_from int,
      zstd_length int)
  ),
  new_message AS (
    INSERT INTO message (id, account_id, thread_id, sha256, message_id_header, subject, "from", "to", cc, bcc, reply_to,
      sent_at, received_at, snippet, text, html, size, has_attachments, parse_error, search)
    SELECT id, $1, thread, decode(sha256, 'hex'), header_id, subject, "from", "to", cc, bcc, reply_to,
      sent_at, received_at, snippet, text, html, size, attached, error, search
    FROM input
  ),
  new_source AS (
    INSERT INTO message_source (message_id, zstd) SELECT id, substring($6::bytea FROM zstd_from FOR zstd_length) FROM input
  ),
  new_attachment AS (
    INSERT INTO attachment (id, message_id, index, filename, content_type, size, content_id, is_inline)
    SELECT id, message, index, filename, "contentType", size, "contentId", "isInline"
    FROM json_to_recordset($7::json) AS a(id uuid, message uuid, index int, filename text, "contentType" text, size int,
      "contentId" text, "isInline" boolean)
  )
  UPDATE message_location l SET state = 'STORED', message_id = s.message_id, stored_at = now(), last_error = NULL
  FROM unnest($13::bigint[], $14::uuid[]) AS s(uid, message_id)
  WHERE l.mailbox_id = $11 AND l.generation = $12 AND l.uid = ANY ($13::bigint[]) AND l.uid = s.uid`;

/** A reply that refers to two threads joins them. */
async function mergeThreads(tx: Sql, accountId: string, from: string, into: string): Promise<void> {
  await tx.query('UPDATE message SET thread_id = $2 WHERE thread_id = $1', [from, into]);
  await tx.query('UPDATE thread_reference SET thread_id = $3 WHERE account_id = $1 AND thread_id = $2', [
    accountId,
    from,
    into,
  ]);
  await tx.query('DELETE FROM thread WHERE id = $1 AND account_id = $2', [from, accountId]);
}
