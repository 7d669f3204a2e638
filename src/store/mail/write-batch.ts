import { newId } from '../../domain/ids.ts';
import { PARSER_VERSION } from '../../domain/parsed-message.ts';
import type { SyncRun } from '../../generated/prisma/client.ts';
import { chainEvents } from '../../timeline/chain.ts';
import { namedStatement, type Parameters } from '../plumbing/named-statement.ts';
import type { Sql } from '../plumbing/sql.ts';
import { isHeld, type Lease } from '../runs/lease.ts';
import { progressParameters, recordSql } from '../runs/record-progress.ts';
import { appendedSql, eventParameters, headParameters } from '../timeline/append-events.ts';
import { type Batch, type BatchPlan, type Known, receivedAtOf } from './plan-batch.ts';

/**
 * Writes the batch. If the lease, the head of the chain or the thread revision has changed, it writes nothing and
 * returns undefined.
 */
export async function writeBatch(
  tx: Sql,
  lease: Lease,
  { mailbox, items, parsed }: Batch,
  { ids, created, announced, events, threads, bytes }: BatchPlan,
  head: Known,
): Promise<SyncRun | undefined> {
  const chained = chainEvents(head, lease.accountId, events, new Date());
  const last = chained.at(-1) ?? head;
  const attachments = created.flatMap(({ id, message }) =>
    message.attachments.map((attachment, index) => ({ id: newId(), message: id, index, ...attachment })),
  );
  const { columns, packs } = parsed;
  const column = parsed.columnsFrom(created);
  const packIds = parsed.packIds(created, newId);
  const uids = items.map((item) => item.uid);
  const { newReferences, changedReferences } = threads;
  const [run] = await tx.query<SyncRun>(
    WRITE.text,
    WRITE.values({
      ...eventParameters(lease.accountId, chained),
      ...headParameters(last),
      knownSeq: head.seq,
      knownThreadRevision: head.threadRevision,

      newThreads: threads.newThreads,
      newRefs: newReferences.map(([ref]) => ref),
      newRefThreads: newReferences.map(([, thread]) => thread),
      newRefCarriers: newReferences.map(([, , carrier]) => carrier),
      changedRefs: changedReferences.map(([ref]) => ref),
      changedRefThreads: changedReferences.map(([, thread]) => thread),
      changedRefCarriers: changedReferences.map(([, , carrier]) => carrier),

      ...messageParameters({
        id: column(({ id }) => id),
        thread_id: column(({ id }) => threads.threadOf.get(id)!),
        sha256: column(({ message }) => Buffer.from(message.sha256, 'hex')),
        sent_at: column(({ message }) => message.sentAt),
        received_at: column(receivedAtOf),
        size: column(({ message }) => message.size),
        has_attachments: column(({ message }) => message.attachments.some((attachment) => !attachment.isInline)),
        message_id_header: columns.messageIdHeader,
        subject: columns.subject,
        from: columns.from,
        to: columns.to,
        cc: columns.cc,
        bcc: columns.bcc,
        reply_to: columns.replyTo,
        snippet: columns.snippet,
        parse_error: columns.parseError,
        search: columns.search,
        has_remote_images: columns.hasRemoteImages,
        pack_id: column(({ message }) => packIds[message.place.pack]!),
        text_at: column(({ message }) => message.place.textAt),
        text_size: column(({ message }) => message.place.textSize),
        html_size: column(({ message }) => message.place.htmlSize),
        source_at: column(({ message }) => message.place.sourceAt),
        parser_version: column(({ id }) => (threads.provisional.has(id) ? UNPARSED : PARSER_VERSION)),
      }),
      attachments: JSON.stringify(attachments),
      packIds,
      packTexts: packs.texts,
      packSources: packs.sources,

      mailboxId: mailbox.id,
      generation: mailbox.generation,
      uids,
      lowestUid: Math.min(...uids),
      highestUid: Math.max(...uids),
      messageIds: items.map((item) => ids.get(item.message.sha256)!),
      announced,

      ...progressParameters(lease, {
        add: {
          messagesProcessed: items.length,
          bytesProcessed: bytes,
          messagesFetched: items.length,
          bytesDownloaded: bytes,
          messagesCreated: created.length,
          eventsCreated: events.length,
        },
      }),
    }),
  );
  return run;
}

/** The parser version of a message that is to be parsed again. */
const UNPARSED = 0;

/** The columns of a new message and the types of their arrays; those of JSON travel as text. */
const MESSAGE_COLUMNS = {
  id: 'uuid',
  thread_id: 'uuid',
  sha256: 'bytea',
  sent_at: 'timestamptz',
  received_at: 'timestamptz',
  size: 'int',
  has_attachments: 'boolean',
  message_id_header: 'text',
  subject: 'text',
  from: 'jsonb',
  to: 'jsonb',
  cc: 'jsonb',
  bcc: 'jsonb',
  reply_to: 'jsonb',
  snippet: 'text',
  parse_error: 'text',
  search: 'tsvector',
  has_remote_images: 'boolean',
  pack_id: 'uuid',
  text_at: 'int',
  text_size: 'int',
  html_size: 'int',
  source_at: 'int',
  parser_version: 'smallint',
} as const;

const parameterOf = (column: string): string => `message_${column}`;

const messageParameters = (values: Readonly<Record<keyof typeof MESSAGE_COLUMNS, unknown>>): Parameters =>
  Object.fromEntries(Object.entries(values).map(([column, value]) => [parameterOf(column), value]));

const names = Object.keys(MESSAGE_COLUMNS).map((column) => `"${column}"`);
const arrays = Object.entries(MESSAGE_COLUMNS).map(
  ([column, type]) => `@${parameterOf(column)}::${type === 'jsonb' ? 'text' : type}[]`,
);
const selected = Object.entries(MESSAGE_COLUMNS).map(
  ([column, type]) => `m."${column}"${type === 'jsonb' ? '::jsonb' : ''}`,
);

/**
 * The range of UIDs repeats the list in a form for which the planner uses the index even without statistics. Without
 * it, the planner read all locations of the mailbox for every batch.
 *
 * The run's row is locked before the account's, as everywhere. The head then decides about everything that follows.
 */
const WRITE = namedStatement(`
  WITH held AS (
    SELECT FROM sync_run WHERE ${isHeld()} FOR UPDATE
  ),
  head AS (
    UPDATE email_account SET event_seq = @headSeq, event_hash = @headHash
    WHERE id = @accountId AND event_seq = @knownSeq AND thread_revision = @knownThreadRevision AND EXISTS (SELECT FROM held) RETURNING id
  ),
  ${appendedSql('EXISTS (SELECT FROM head)')},
  new_thread AS (
    INSERT INTO thread (id, account_id) SELECT t.id, @accountId FROM unnest(@newThreads::uuid[]) AS t(id) WHERE EXISTS (SELECT FROM head)
  ),
  new_reference AS (
    INSERT INTO thread_reference (account_id, ref, thread_id, carrier, parser_version)
    SELECT @accountId, r.ref, r.thread, r.carrier, ${PARSER_VERSION}
    FROM unnest(@newRefs::bigint[], @newRefThreads::uuid[], @newRefCarriers::bigint[]) AS r(ref, thread, carrier)
    WHERE EXISTS (SELECT FROM head)
  ),
  changed_reference AS (
    INSERT INTO thread_reference (account_id, ref, thread_id, carrier)
    SELECT @accountId, r.ref, r.thread, r.carrier
    FROM unnest(@changedRefs::bigint[], @changedRefThreads::uuid[], @changedRefCarriers::bigint[]) AS r(ref, thread, carrier)
    WHERE EXISTS (SELECT FROM head)
    ON CONFLICT (account_id, ref) DO UPDATE SET carrier = excluded.carrier
  ),
  new_message AS (
    INSERT INTO message (account_id, ${names.join(', ')})
    SELECT @accountId, ${selected.join(', ')}
    FROM unnest(${arrays.join(', ')}) AS m(${names.join(', ')})
    WHERE m.id IS NOT NULL AND EXISTS (SELECT FROM head)
  ),
  new_pack AS (
    INSERT INTO pack (account_id, id, texts, sources)
    SELECT @accountId, p.id, p.texts, p.sources
    FROM unnest(@packIds::uuid[], @packTexts::bytea[], @packSources::bytea[]) AS p(id, texts, sources)
    WHERE p.id IS NOT NULL AND EXISTS (SELECT FROM head)
  ),
  new_attachment AS (
    INSERT INTO attachment (id, message_id, index, filename, content_type, size, content_id, is_inline)
    SELECT id, message, index, filename, "contentType", size, "contentId", "isInline"
    FROM json_to_recordset(@attachments::json) AS a(id uuid, message uuid, index int, filename text, "contentType" text, size int,
      "contentId" text, "isInline" boolean)
    WHERE EXISTS (SELECT FROM head)
  ),
  located AS (
    UPDATE message_location l SET state = 'STORED', message_id = s.message_id, stored_at = now(), last_error = NULL,
      arrival_told = s.announced
    FROM unnest(@uids::bigint[], @messageIds::uuid[], @announced::boolean[]) AS s(uid, message_id, announced)
    WHERE l.mailbox_id = @mailboxId AND l.generation = @generation AND l.uid = s.uid
      AND l.uid BETWEEN @lowestUid AND @highestUid
      AND EXISTS (SELECT FROM head)
  )
  ${recordSql('EXISTS (SELECT FROM head)')}`);
