import type { Pool } from 'pg';
import type { SyncRun } from '../../generated/prisma/client.ts';
import type { EventInput } from '../../timeline/schemas.ts';
import { sqlOf } from '../plumbing/sql.ts';
import { fenced, type Lease } from '../runs/lease.ts';
import { recordProgress } from '../runs/record-progress.ts';
import { appendEvents } from '../timeline/append-events.ts';
import type { MailboxRef } from './locations.ts';

/** A UID whose message is already stored, so that its bytes need not be fetched. */
export interface KnownAt {
  readonly uid: number;
  readonly messageId: string;
}

/** Returns the PENDING locations whose EMAILID is that of a stored message, even of one that has left its mailbox. */
export async function knownByEmailId(pool: Pool, mailbox: MailboxRef): Promise<KnownAt[]> {
  const rows = await sqlOf(pool).query<{ uid: bigint; messageId: string }>(
    `SELECT p.uid, known.message_id FROM message_location p
     JOIN LATERAL (
       SELECT l.message_id FROM message_location l
       WHERE l.account_id = p.account_id AND l.email_id = p.email_id AND l.state = 'STORED' AND l.message_id IS NOT NULL
       LIMIT 1
     ) known ON true
     WHERE p.mailbox_id = $1 AND p.generation = $2 AND p.state = 'PENDING' AND p.deleted_at IS NULL
       AND p.email_id IS NOT NULL`,
    [mailbox.id, mailbox.generation],
  );
  return rows.map((row) => ({ ...row, uid: Number(row.uid) }));
}

/** Returns the UIDs of PENDING locations with the size and date of a message that is leaving another location. */
export async function likeLeaving(pool: Pool, mailbox: MailboxRef, leaving: readonly string[]): Promise<number[]> {
  const rows = await sqlOf(pool).query<{ uid: bigint }>(
    `SELECT DISTINCT p.uid FROM message_location p
     JOIN message_location l ON l.size = p.size AND l.internal_date = p.internal_date
     WHERE p.mailbox_id = $1 AND p.generation = $2 AND p.state = 'PENDING' AND p.deleted_at IS NULL AND p.size > 0
       AND l.message_id = ANY ($3::uuid[]) AND l.deleted_at IS NULL AND l.state = 'STORED'
       AND (l.mailbox_id, l.generation) <> ($1, $2)`,
    [mailbox.id, mailbox.generation, leaving],
  );
  return rows.map(({ uid }) => Number(uid));
}

/**
 * Returns those of the PENDING locations with these Message-IDs that match one of the leaving messages by Message-ID,
 * size and date. The match must be unique on both sides.
 */
export async function knownByHeader(
  pool: Pool,
  mailbox: MailboxRef,
  leaving: readonly string[],
  headers: readonly { readonly uid: number; readonly messageIdHeader: string }[],
): Promise<KnownAt[]> {
  const rows = await sqlOf(pool).query<{ uid: bigint; messageId: string }>(
    `WITH here AS (
       SELECT h.header, p.size, p.internal_date, min(p.uid) AS uid
       FROM unnest($4::bigint[], $5::text[]) AS h(uid, header)
       JOIN message_location p ON p.mailbox_id = $1 AND p.generation = $2 AND p.uid = h.uid
       GROUP BY 1, 2, 3 HAVING count(*) = 1
     ), there AS (
       SELECT m.message_id_header AS header, l.size, l.internal_date, min(m.id::text)::uuid AS message_id
       FROM message m JOIN message_location l ON l.message_id = m.id
       WHERE m.id = ANY ($3::uuid[]) AND l.deleted_at IS NULL AND l.state = 'STORED'
         AND (l.mailbox_id, l.generation) <> ($1, $2)
       GROUP BY 1, 2, 3 HAVING count(DISTINCT m.id) = 1
     )
     SELECT here.uid, there.message_id FROM here JOIN there USING (header, size, internal_date)`,
    [
      mailbox.id,
      mailbox.generation,
      leaving,
      headers.map(({ uid }) => uid),
      headers.map(({ messageIdHeader }) => messageIdHeader),
    ],
  );
  return rows.map((row) => ({ ...row, uid: Number(row.uid) }));
}

/**
 * Stores locations of messages that are already stored. A moving message is only announced once it has left its old
 * location. The others are announced as copies.
 */
export function adopt(
  pool: Pool,
  lease: Lease,
  mailbox: MailboxRef,
  known: readonly KnownAt[],
  movingMessageIds: ReadonlySet<string>,
): Promise<SyncRun> {
  return fenced(pool, lease, async (tx) => {
    const rows = await tx.query<{ uid: bigint; messageId: string }>(
      `UPDATE message_location l SET state = 'STORED', message_id = k.message_id, stored_at = now(), last_error = NULL,
         arrival_told = k.message_id <> ALL ($5::uuid[])
       FROM unnest($3::bigint[], $4::uuid[]) AS k(uid, message_id)
       WHERE l.mailbox_id = $1 AND l.generation = $2 AND l.uid = k.uid AND l.state = 'PENDING' AND l.deleted_at IS NULL
       RETURNING l.uid, l.message_id`,
      [
        mailbox.id,
        mailbox.generation,
        known.map(({ uid }) => uid),
        known.map(({ messageId }) => messageId),
        [...movingMessageIds],
      ],
    );
    const copies = rows.filter(({ messageId }) => !movingMessageIds.has(messageId));
    const events = copies.map(
      ({ uid, messageId }): EventInput => ({
        type: 'email_copied',
        payload: {
          messageId,
          mailboxId: mailbox.id,
          mailbox: mailbox.path,
          uidValidity: mailbox.uidValidity.toString(),
          uid: Number(uid),
        },
      }),
    );
    await appendEvents(tx, lease.accountId, events);
    return recordProgress(tx, lease, { add: { messagesProcessed: rows.length, eventsCreated: events.length } });
  });
}
