import { createHash } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';
import type { Client } from 'pg';
import { type StoredAt, withDatabase } from './stored-truth.ts';

/**
 * Everything that syncing an account has written, except what differs between two accounts of the same mailbox: ids,
 * times of our own clock, and the order of events. Two accounts that read the same server have the same rows.
 */
export function storedRows(at: StoredAt, emailAddress: string): Promise<Record<string, unknown[]>> {
  return withDatabase(at, async (client) => {
    const rows = async (sql: string) => (await client.query(sql, [emailAddress])).rows;
    const mailboxes = await rows(
      `SELECT b.path, b.delimiter, b.special_use, b.generation, b.uid_validity, b.uid_next, b.highest_modseq,
         b.enumerated_up_to, b.message_count, b.unseen_count, b.flag_sweep_uid, b.deleted_at IS NOT NULL AS deleted
       FROM mailbox b JOIN email_account a ON a.id = b.account_id WHERE a.email_address = $1 ORDER BY 1, 4`,
    );
    const locations = await rows(
      `SELECT b.path, l.generation, l.uid, l.state, l.flags, l.modseq, l.internal_date, l.size, l.last_error,
         encode(m.sha256, 'hex') AS sha256, l.deleted_at IS NOT NULL AS deleted
       FROM message_location l JOIN mailbox b ON b.id = l.mailbox_id JOIN email_account a ON a.id = l.account_id
       LEFT JOIN message m ON m.id = l.message_id WHERE a.email_address = $1 ORDER BY 1, 2, 3`,
    );
    const packed = await rows(
      `SELECT encode(m.sha256, 'hex') AS sha256, m.message_id_header, m.subject, m.sent_at, m.received_at, m.snippet,
         m.size, m.parse_error, m.pack_id, coalesce(m.text_pack_id, m.pack_id) AS text_pack_id, m.text_at, m.text_size, m.html_size, m.source_at,
         (SELECT count(*)::int FROM attachment t WHERE t.message_id = m.id) AS attachments,
         (SELECT min(encode(o.sha256, 'hex')) FROM message o WHERE o.thread_id = m.thread_id) AS thread
       FROM message m JOIN email_account a ON a.id = m.account_id WHERE a.email_address = $1 ORDER BY 1`,
    );
    const messages = await unpacked(client, packed);
    const events = await rows(
      `SELECT * FROM (SELECT e.type, encode(m.sha256, 'hex') AS message,
         e.payload - 'messageId' - 'mailboxId' - 'runId' - 'attempt' - 'stats' - 'emailAddress'
           #- '{from,mailboxId}' #- '{to,mailboxId}' AS payload
       FROM event e JOIN email_account a ON a.id = e.account_id
       LEFT JOIN message m ON m.id::text = e.payload ->> 'messageId'
       WHERE a.email_address = $1) AS told ORDER BY type, message, payload::text`,
    );
    return { mailboxes, locations, messages, events };
  });
}

/**
 * Messages with digests of their texts and sources in place of their pack offsets, which depend on the order of
 * arrival.
 */
async function unpacked(client: Client, messages: Packed[]): Promise<unknown[]> {
  const whole: unknown[] = [];
  const places = Object.groupBy(messages, (message) => `${message.pack_id} ${message.text_pack_id}`);
  for (const ofPack of Object.values(places)) {
    const { rows } = await client.query('SELECT t.texts, s.sources FROM pack s, pack t WHERE s.id = $1 AND t.id = $2', [
      ofPack![0]!.pack_id,
      ofPack![0]!.text_pack_id,
    ]);
    const [texts, sources] = [rows[0].texts, rows[0].sources].map((zstd) => zstdDecompressSync(zstd));
    for (const { pack_id: _, text_pack_id: _2, text_at, text_size, html_size, source_at, ...message } of ofPack!) {
      const digest = (bytes: Buffer, from: number, length: number) =>
        createHash('sha256')
          .update(bytes.subarray(from, from + length))
          .digest('hex');
      whole.push({
        ...message,
        text: digest(texts!, text_at, text_size),
        html: html_size === null ? null : digest(texts!, text_at + text_size, html_size),
        source: digest(sources!, source_at, message.size),
      });
    }
  }
  const keyOf = (message: unknown) => (message as Packed).sha256;
  return whole.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

interface Packed {
  readonly sha256: string;
  readonly pack_id: string;
  readonly text_pack_id: string;
  readonly text_at: number;
  readonly text_size: number;
  readonly html_size: number | null;
  readonly source_at: number;
  readonly size: number;
}

/** Ids of an account's mailboxes by path, which show whether a row is still the same. */
export function mailboxRows(at: StoredAt, emailAddress: string): Promise<Map<string, string>> {
  return withDatabase(at, async (client) => {
    const { rows } = await client.query<{ path: string; id: string }>(
      `SELECT m.path, m.id FROM mailbox m JOIN email_account a ON a.id = m.account_id
       WHERE a.email_address = $1 AND m.deleted_at IS NULL`,
      [emailAddress],
    );
    return new Map(rows.map(({ path, id }) => [path, id]));
  });
}
