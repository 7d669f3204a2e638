import type { Pool } from 'pg';
import { newId } from '../../domain/ids.ts';
import type { BatchMessage, ParsedBatch } from '../../domain/parsed-batch.ts';
import { PARSER_VERSION } from '../../domain/parsed-message.ts';
import { assignThreads, type KnownReference, keysOf } from '../../domain/threads.ts';
import { isDataError } from '../plumbing/data-error.ts';
import { inTransaction, type Sql, sqlOf } from '../plumbing/sql.ts';
import { type AttachmentRow, attachmentRows } from './attachment-rows.ts';
import { type NewTexts, newTexts } from './new-texts.ts';
import type { StaleMessage } from './stale-messages.ts';
import { mergeThreads } from './store-batch.ts';

/** A stale message, and the result of the present parser. */
export interface ReparsedMessage {
  readonly stale: StaleMessage;
  readonly message: BatchMessage;
}

/**
 * Writes the results of the present parser for messages of one account, in one transaction: their columns, attachments,
 * texts and threads. It appends no event and fetches nothing, because nothing changed on the server. A message that is
 * no longer stale, because another node has reparsed it, stays unchanged.
 *
 * **Threads** are assigned as if the messages arrived again in an account without references. For that, each row of
 * `thread_reference` records the version that wrote it, and rows of older versions are ignored here. The first message
 * of a thread keeps the thread's id. Another one that no reparsed message joins to it gets a new thread, which a later
 * message may merge into the older id again. So in the end the threads are those of the present rule, whatever older
 * rules had joined, and keep their ids. A sync that meets an older row stores its message as stale
 * (src/domain/threads.ts). One that has looked up references before this transaction looks them up again
 * (`thread_revision`). Why no message stores its references: docs/decisions/0018-threads-rebuilt-on-re-parse.md.
 *
 * A message that the parser cannot parse keeps its columns, except `parse_error`. One that the database rejects keeps
 * all.
 * @returns how many of the messages were stale
 */
export async function storeReparsed(
  pool: Pool,
  messages: readonly ReparsedMessage[],
  parsed: ParsedBatch,
): Promise<number> {
  const { accountId } = messages[0]!.stale;
  const whole = messages.filter(({ message }) => !message.isHeaderOnly);
  try {
    const texts = await newTexts(
      pool,
      whole.map(({ stale, message }) => ({ stale, place: message.place })),
      parsed.packs,
    );
    return await inTransaction(pool, (tx) => write(tx, accountId, messages, parsed, texts));
  } catch (error) {
    if (!isDataError(error)) throw error;
    if (messages.length === 1) {
      await leaveAsIs(pool, [messages[0]!.stale.id]);
      return 1;
    }
    const half = messages.length >> 1;
    const first = await storeReparsed(pool, messages.slice(0, half), parsed);
    return first + (await storeReparsed(pool, messages.slice(half), parsed));
  }
}

/** Marks messages whose source cannot be read as parsed, so that this version skips them from now on. */
export async function leaveAsIs(pool: Pool, messageIds: readonly string[]): Promise<void> {
  if (messageIds.length === 0) return;
  await sqlOf(pool).query(`UPDATE message SET parser_version = ${PARSER_VERSION} WHERE id = ANY ($1::uuid[])`, [
    messageIds,
  ]);
}

async function write(
  tx: Sql,
  accountId: string,
  messages: readonly ReparsedMessage[],
  parsed: ParsedBatch,
  texts: NewTexts,
): Promise<number> {
  const held = await tx.query(
    'UPDATE email_account SET thread_revision = thread_revision + 1 WHERE id = $1 RETURNING id',
    [accountId],
  );
  if (held.length === 0) return 0;
  const threadBefore = await presentThreads(tx, messages);
  const present = messages.filter(({ stale }) => threadBefore.has(stale.id));
  if (present.length === 0) return 0;
  const threads = await planThreads(tx, accountId, present, threadBefore);
  await createThreads(tx, accountId, threads.newThreads, threadBefore);
  if (texts.pack) await insertPack(tx, accountId, texts.pack);
  await updateMessages(tx, present, parsed, texts, threads.threadOf);
  await replaceAttachments(
    tx,
    present.filter(({ message }) => !message.isHeaderOnly),
  );
  await tx.query(UPSERT_REFERENCES, [
    accountId,
    ...columnsOf([...threads.newReferences, ...threads.changedReferences]),
  ]);
  for (const [from, into] of threads.merges) await mergeThreads(tx, accountId, from, into);
  await dropEmptyThreads(tx, accountId, [...new Set(threadBefore.values())]);
  return present.length;
}

async function presentThreads(tx: Sql, messages: readonly ReparsedMessage[]): Promise<Map<string, string>> {
  const rows = await tx.query<{ id: string; threadId: string }>(
    `SELECT id, thread_id FROM message WHERE id = ANY ($1::uuid[]) AND parser_version < ${PARSER_VERSION}`,
    [messages.map(({ stale }) => stale.id)],
  );
  return new Map(rows.map(({ id, threadId }) => [id, threadId]));
}

async function planThreads(
  tx: Sql,
  accountId: string,
  messages: readonly ReparsedMessage[],
  threadBefore: ReadonlyMap<string, string>,
) {
  // Each key and each thread is looked up separately, as in store-batch.ts.
  const known = await tx.query<{ ref: bigint; threadId: string; carrier: bigint | null }>(
    `SELECT t.* FROM unnest($2::bigint[]) AS r(ref) CROSS JOIN LATERAL (
       SELECT ref, thread_id, carrier FROM thread_reference
       WHERE account_id = $1 AND ref = r.ref AND parser_version >= ${PARSER_VERSION} LIMIT 1) AS t`,
    [accountId, [...new Set(messages.flatMap(({ message }) => keysOf(message.links)))]],
  );
  const taken = await tx.query<{ id: string }>(
    `SELECT t.id FROM unnest($1::uuid[]) AS t(id) CROSS JOIN LATERAL (
       SELECT FROM message WHERE thread_id = t.id AND parser_version >= ${PARSER_VERSION} LIMIT 1) AS m`,
    [[...new Set(threadBefore.values())]],
  );
  const kept = new Set(taken.map(({ id }) => id));
  return assignThreads(
    messages.map(({ stale, message }) => ({ key: stale.id, ...message.links })),
    new Map(known.map(({ ref, ...reference }): [bigint, KnownReference] => [ref, { ...reference, isOld: false }])),
    (key) => {
      const before = threadBefore.get(key)!;
      if (kept.has(before)) return newId();
      kept.add(before);
      return before;
    },
  );
}

async function createThreads(
  tx: Sql,
  accountId: string,
  ids: readonly string[],
  threadBefore: ReadonlyMap<string, string>,
): Promise<void> {
  const existing = new Set(threadBefore.values());
  const created = ids.filter((id) => !existing.has(id));
  if (created.length === 0) return;
  await tx.query('INSERT INTO thread (id, account_id) SELECT t.id, $2 FROM unnest($1::uuid[]) AS t(id)', [
    created,
    accountId,
  ]);
}

async function insertPack(tx: Sql, accountId: string, { id, texts }: NonNullable<NewTexts['pack']>): Promise<void> {
  await tx.query(`INSERT INTO pack (id, account_id, texts, sources) VALUES ($1, $2, $3, '')`, [id, accountId, texts]);
}

async function updateMessages(
  tx: Sql,
  messages: readonly ReparsedMessage[],
  parsed: ParsedBatch,
  { places }: NewTexts,
  threadOf: ReadonlyMap<string, string>,
): Promise<void> {
  const { columns } = parsed;
  const column = parsed.columnsFrom(messages);
  await tx.query(UPDATE_MESSAGES, [
    column(({ stale }) => stale.id),
    column(({ stale }) => threadOf.get(stale.id)!),
    column(({ message }) => !message.isHeaderOnly),
    column(({ message }) => message.sentAt),
    column(({ message }) => message.attachments.some((attachment) => !attachment.isInline)),
    column(({ stale }) => places.get(stale.id)?.textPackId ?? null),
    column(({ stale }) => places.get(stale.id)?.textAt ?? null),
    column(({ stale }) => places.get(stale.id)?.textSize ?? null),
    column(({ stale }) => places.get(stale.id)?.htmlSize ?? null),
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
    columns.hasRemoteImages,
  ]);
}

/** Changed words are added to the full-text index later (index-waiting.ts). */
const UPDATE_MESSAGES = `
  WITH parsed AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::timestamptz[], $5::boolean[], $6::uuid[],
        $7::int[], $8::int[], $9::int[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[],
        $16::text[], $17::text[], $18::text[], $19::tsvector[], $20::boolean[])
      AS p(id, thread, is_whole, sent_at, attached, text_pack, text_at, text_size, html_size, header_id, subject,
        "from", "to", cc, bcc, reply_to, snippet, error, search, remote_images)
    WHERE id IS NOT NULL
  ),
  broken AS (
    UPDATE message m SET parser_version = ${PARSER_VERSION}, thread_id = p.thread, parse_error = p.error
    FROM parsed p WHERE m.id = p.id AND NOT p.is_whole
  )
  UPDATE message m SET parser_version = ${PARSER_VERSION}, thread_id = p.thread, message_id_header = p.header_id,
    subject = p.subject, "from" = p."from"::jsonb, "to" = p."to"::jsonb, cc = p.cc::jsonb, bcc = p.bcc::jsonb,
    reply_to = p.reply_to::jsonb, sent_at = p.sent_at, snippet = p.snippet, has_attachments = p.attached,
    parse_error = CASE WHEN m.headers_only THEN m.parse_error ELSE p.error END,
    text_pack_id = p.text_pack, text_at = p.text_at, text_size = p.text_size, html_size = p.html_size,
    has_remote_images = p.remote_images, search = p.search, indexed_at = CASE WHEN m.search = p.search THEN m.indexed_at END
  FROM parsed p WHERE m.id = p.id AND p.is_whole`;

async function replaceAttachments(tx: Sql, messages: readonly ReparsedMessage[]): Promise<void> {
  const rows = await tx.query<AttachmentRow & { messageId: string }>(
    `SELECT id, message_id, index, filename, content_type, size, content_id, is_inline FROM attachment
     WHERE message_id = ANY ($1::uuid[]) ORDER BY message_id, index`,
    [messages.map(({ stale }) => stale.id)],
  );
  const before = Map.groupBy(rows, ({ messageId }) => messageId);
  const changed = messages.flatMap(({ stale, message }) => {
    const after = attachmentRows(before.get(stale.id) ?? [], message.attachments);
    return after ? [{ messageId: stale.id, after }] : [];
  });
  if (changed.length === 0) return;
  // Two statements, because indexes are unique and may be exchanged.
  await tx.query('DELETE FROM attachment WHERE message_id = ANY ($1::uuid[])', [
    changed.map(({ messageId }) => messageId),
  ]);
  await tx.query(
    `INSERT INTO attachment (id, message_id, index, filename, content_type, size, content_id, is_inline)
     SELECT id, message, index, filename, "contentType", size, "contentId", "isInline"
     FROM json_to_recordset($1::json) AS a(id uuid, message uuid, index int, filename text, "contentType" text, size int,
       "contentId" text, "isInline" boolean)`,
    [JSON.stringify(changed.flatMap(({ messageId, after }) => after.map((row) => ({ ...row, message: messageId }))))],
  );
}

const UPSERT_REFERENCES = `
  INSERT INTO thread_reference (account_id, ref, thread_id, carrier, parser_version)
  SELECT $1, r.ref, r.thread, r.carrier, ${PARSER_VERSION}
  FROM unnest($2::bigint[], $3::uuid[], $4::bigint[]) AS r(ref, thread, carrier)
  ON CONFLICT (account_id, ref) DO UPDATE
    SET thread_id = excluded.thread_id, carrier = excluded.carrier, parser_version = excluded.parser_version`;

function columnsOf(references: readonly (readonly [bigint, string, bigint | null])[]): unknown[] {
  return [0, 1, 2].map((column) => references.map((reference) => reference[column]));
}

async function dropEmptyThreads(tx: Sql, accountId: string, threads: readonly string[]): Promise<void> {
  const dropped = await tx.query<{ id: string }>(
    `DELETE FROM thread t WHERE t.id = ANY ($1::uuid[]) AND t.account_id = $2
       AND NOT EXISTS (SELECT FROM message m WHERE m.thread_id = t.id) RETURNING t.id`,
    [threads, accountId],
  );
  if (dropped.length === 0) return;
  // References that only an older rule took for Message-IDs.
  await tx.query('DELETE FROM thread_reference WHERE thread_id = ANY ($1::uuid[])', [dropped.map(({ id }) => id)]);
}
