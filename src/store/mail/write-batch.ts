import { newId } from '../../domain/ids.ts';
import { PARSER_VERSION } from '../../domain/parsed-message.ts';
import type { SyncRun } from '../../generated/prisma/client.ts';
import { chainEvents } from '../../timeline/chain.ts';
import type { Lease, Sql } from '../plumbing/sql.ts';
import { heldRun, progressValues, recordSql } from '../runs/record-progress.ts';
import { appendedSql, eventColumns } from '../timeline/append-events.ts';
import { type Batch, type BatchPlan, type Known, receivedAtOf } from './plan-batch.ts';

/**
 * Writes the batch. If the lease, the head of the chain or the thread revision has changed, it writes nothing and
 * returns undefined.
 */
export async function writeBatch(
  tx: Sql,
  lease: Lease,
  { mailbox, items, digested: { messages, columns, packs } }: Batch,
  { ids, created, announced, events, threads, bytes }: BatchPlan,
  head: Known,
): Promise<SyncRun | undefined> {
  const chained = chainEvents(head, lease.accountId, events, new Date());
  const last = chained.at(-1) ?? head;
  const attachments = created.flatMap(({ id, item }) =>
    item.message.attachments.map((attachment, index) => ({ id: newId(), message: id, index, ...attachment })),
  );
  // Aligned with the columns; null for messages that are not created.
  const createdAt = new Map(created.map((message) => [message.item.index, message]));
  const aligned = <T>(value: (message: (typeof created)[number]) => T): (T | null)[] =>
    messages.map((_, index) => {
      const message = createdAt.get(index);
      return message ? value(message) : null;
    });
  const uids = items.map((item) => item.uid);
  // By pack; null for those of which no message is created.
  const packIds = Array.from({ length: messages.at(-1)!.place.pack + 1 }, (): string | null => null);
  for (const { item } of created) packIds[item.message.place.pack] ??= newId();
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
    columns.parseError,
    columns.search,
    aligned(({ item }) => packIds[item.message.place.pack]!),
    aligned(({ item }) => item.message.place.textAt),
    aligned(({ item }) => item.message.place.textSize),
    aligned(({ item }) => item.message.place.htmlSize),
    aligned(({ item }) => item.message.place.sourceAt),
    packIds,
    packs.texts,
    packs.sources,
    announced,
    head.seq,
    threads.newReferences.map(([, , carrier]) => carrier),
    threads.changedReferences.map(([ref]) => ref),
    threads.changedReferences.map(([, thread]) => thread),
    threads.changedReferences.map(([, , carrier]) => carrier),
    aligned(({ id }) => (threads.provisional.has(id) ? UNPARSED : PARSER_VERSION)),
    head.threadRevision,
    columns.hasRemoteImages,
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

/** The parser version of a message that is to be parsed again. */
const UNPARSED = 0;

/** The parameter of WRITE at which the progress begins. */
const PROGRESS = 55;

/**
 * The range of UIDs repeats the list in a form for which the planner uses the index even without statistics. Without
 * it, the planner read all locations of the mailbox for every batch.
 *
 * The run's row is locked before the account's, as everywhere. The head then decides about everything that follows.
 */
const WRITE = `
  WITH held AS (
    SELECT FROM sync_run WHERE ${heldRun(PROGRESS)} FOR UPDATE
  ),
  head AS (
    UPDATE email_account SET event_seq = $9, event_hash = $10
    WHERE id = $1 AND event_seq = $47 AND thread_revision = $53 AND EXISTS (SELECT FROM held) RETURNING id
  ),
  ${appendedSql('EXISTS (SELECT FROM head)')},
  new_thread AS (
    INSERT INTO thread (id, account_id) SELECT t.id, $1 FROM unnest($12::uuid[]) AS t(id) WHERE EXISTS (SELECT FROM head)
  ),
  new_reference AS (
    INSERT INTO thread_reference (account_id, ref, thread_id, carrier, parser_version)
    SELECT $1, r.ref, r.thread, r.carrier, ${PARSER_VERSION}
    FROM unnest($13::bigint[], $14::uuid[], $48::bigint[]) AS r(ref, thread, carrier)
    WHERE EXISTS (SELECT FROM head)
  ),
  changed_reference AS (
    INSERT INTO thread_reference (account_id, ref, thread_id, carrier)
    SELECT $1, r.ref, r.thread, r.carrier
    FROM unnest($49::bigint[], $50::uuid[], $51::bigint[]) AS r(ref, thread, carrier)
    WHERE EXISTS (SELECT FROM head)
    ON CONFLICT (account_id, ref) DO UPDATE SET carrier = excluded.carrier
  ),
  new_message AS (
    INSERT INTO message (account_id, id, thread_id, sha256, sent_at, received_at, size, has_attachments,
      message_id_header, subject, "from", "to", cc, bcc, reply_to, snippet, parse_error, search,
      pack_id, text_at, text_size, html_size, source_at, parser_version, has_remote_images)
    SELECT $1, m.id, m.thread, m.sha256, m.sent_at, m.received_at, m.size, m.attached,
      m.header_id, m.subject, m."from"::jsonb, m."to"::jsonb, m.cc::jsonb, m.bcc::jsonb, m.reply_to::jsonb,
      m.snippet, m.error, m.search, m.pack, m.text_at, m.text_size, m.html_size, m.source_at, m.parser_version,
      m.remote_images
    FROM unnest($21::uuid[], $22::uuid[], $23::bytea[], $24::timestamptz[], $25::timestamptz[], $26::int[],
        $27::boolean[], $28::text[], $29::text[], $30::text[], $31::text[], $32::text[], $33::text[], $34::text[],
        $35::text[], $36::text[], $37::tsvector[], $38::uuid[], $39::int[], $40::int[], $41::int[], $42::int[],
        $52::smallint[], $54::boolean[])
      AS m(id, thread, sha256, sent_at, received_at, size, attached, header_id, subject, "from", "to", cc, bcc,
        reply_to, snippet, error, search, pack, text_at, text_size, html_size, source_at, parser_version, remote_images)
    WHERE m.id IS NOT NULL AND EXISTS (SELECT FROM head)
  ),
  new_pack AS (
    INSERT INTO pack (account_id, id, texts, sources)
    SELECT $1, p.id, p.texts, p.sources FROM unnest($43::uuid[], $44::bytea[], $45::bytea[]) AS p(id, texts, sources)
    WHERE p.id IS NOT NULL AND EXISTS (SELECT FROM head)
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
      arrival_told = s.announced
    FROM unnest($17::bigint[], $18::uuid[], $46::boolean[]) AS s(uid, message_id, announced)
    WHERE l.mailbox_id = $15 AND l.generation = $16 AND l.uid = s.uid AND l.uid BETWEEN $19 AND $20
      AND EXISTS (SELECT FROM head)
  )
  ${recordSql(PROGRESS, 'EXISTS (SELECT FROM head)')}`;
