import type { Pool } from 'pg';
import type { SyncRun } from '../../generated/prisma/client.ts';
import type { EventInput } from '../../timeline/schemas.ts';
import type { Sql } from '../plumbing/sql.ts';
import { fenced, type Lease } from '../runs/lease.ts';
import { recordProgress } from '../runs/record-progress.ts';
import { appendEvents } from '../timeline/append-events.ts';
import { commitCursor, type MailboxCursor, type StoredMailbox } from './mailboxes.ts';

/** What is gone from a mailbox: UIDs of its present generation, all earlier generations, or everything. */
export type Gone =
  | { readonly generation: number; readonly uids: readonly number[] }
  | { readonly before: number }
  | 'all';

/**
 * Tombstones the locations that are gone, and announces each message as moved or deleted. It is moved if it has arrived
 * at another location since this mailbox was last seen: in another mailbox (where it was not before under another
 * UIDVALIDITY), or at another UID of this one, like a message that was moved out and back. Otherwise it is deleted.
 * Each arrival is announced once: a location that was announced as a copy is not the target of a move. After a
 * UIDVALIDITY change, a message that is still in the same mailbox has not moved, and nothing is announced. With
 * `cursor`, the mailbox's pass is completed in the same transaction.
 */
export function tombstone(
  pool: Pool,
  lease: Lease,
  mailbox: StoredMailbox,
  gone: Gone,
  cursor: MailboxCursor | null,
): Promise<SyncRun> {
  return fenced(pool, lease, async (tx) => {
    const lost = await markDeleted(tx, mailbox.id, gone);
    const events = eventsOf(lost, mailbox);
    const count = (type: EventInput['type']): number => events.filter((event) => event.type === type).length;
    await appendEvents(tx, lease.accountId, events);
    await markAnnounced(tx, lost);
    if (cursor) await commitCursor(tx, lease, mailbox.id, cursor);
    return recordProgress(tx, lease, {
      add: {
        messagesUpdated: count('email_moved'),
        messagesDeleted: count('email_deleted'),
        eventsCreated: events.length,
        mailboxesSynced: cursor ? 1 : 0,
      },
    });
  });
}

const keyOf = ({ generation, uid }: LostLocation): string => `${generation} ${uid}`;

/** A location that is gone, and one where its message has arrived since the mailbox was last seen; one row for each. */
interface LostLocation {
  generation: number;
  uid: bigint;
  uidValidity: bigint | null;
  messageId: string | null;
  toMailboxId: string | null;
  toPath: string | null;
  toGeneration: number | null;
  toUid: bigint | null;
  toUidValidity: bigint | null;
  /** The new location is in this mailbox under another UIDVALIDITY. */
  isRenumbered: boolean | null;
}

function markDeleted(tx: Sql, mailboxId: string, gone: Gone): Promise<LostLocation[]> {
  // The statement does not see its own UPDATE, so `stays` excludes locations that it also tombstones.
  const [condition, stays, values] =
    gone === 'all'
      ? ['true', 'false', []]
      : 'before' in gone
        ? ['l.generation < $2', 't.generation > lost.generation', [gone.before]]
        : [
            'l.generation = $2 AND l.uid = ANY ($3::bigint[])',
            't.generation > $2 OR t.generation = $2 AND t.uid <> ALL ($3::bigint[])',
            [gone.generation, gone.uids],
          ];
  return tx.query<LostLocation>(
    `WITH lost AS (
       UPDATE message_location l SET deleted_at = now() FROM mailbox m
       WHERE l.mailbox_id = $1 AND m.id = $1 AND l.deleted_at IS NULL AND ${condition}
       RETURNING l.generation, l.uid, l.message_id, m.uid_validity, greatest(m.last_synced_at,
         (SELECT proven_current_at FROM mailbox_proof WHERE mailbox_id = m.id)) AS last_seen_at
     )
     SELECT lost.generation, lost.uid, lost.uid_validity, lost.message_id, home.*
     FROM lost LEFT JOIN LATERAL (
       SELECT t.stored_at, t.mailbox_id AS to_mailbox_id, b.path AS to_path, t.generation AS to_generation,
         t.uid AS to_uid, b.uid_validity AS to_uid_validity, t.mailbox_id = $1 AND t.generation > lost.generation AS is_renumbered
       FROM message_location t JOIN mailbox b ON b.id = t.mailbox_id
       WHERE t.message_id = lost.message_id AND t.deleted_at IS NULL
         AND (t.mailbox_id <> $1 OR ${stays})
         AND (NOT t.arrival_told OR t.mailbox_id = $1 AND t.generation > lost.generation)
         AND (lost.last_seen_at IS NULL OR t.stored_at > lost.last_seen_at)
         AND (t.mailbox_id = $1 OR NOT EXISTS (
           SELECT FROM message_location e
           WHERE e.message_id = lost.message_id AND e.mailbox_id = t.mailbox_id AND e.generation < t.generation))
     ) home ON true
     ORDER BY lost.generation, lost.uid, home.is_renumbered DESC, home.to_mailbox_id = $1 DESC, home.stored_at DESC`,
    [mailboxId, ...values],
  );
}

/**
 * Pure: returns the events. A message that left one location and arrived at several has moved to one and was copied to
 * the others. One that left several and arrived at one has moved there from one of them.
 */
function eventsOf(lost: readonly LostLocation[], mailbox: StoredMailbox): EventInput[] {
  const announced = new Set<string>();
  const isNews = (row: LostLocation): boolean =>
    row.messageId !== null &&
    row.toMailboxId !== null &&
    !row.isRenumbered &&
    announced.size < announced.add(arrivalOf(row)).size;
  const facts = [...Map.groupBy(lost, keyOf).values()].flatMap((rows): EventInput[] => {
    const { messageId, isRenumbered, uid, uidValidity } = rows[0]!;
    if (!messageId || isRenumbered) return [];
    const from = { mailboxId: mailbox.id, mailbox: mailbox.path, uidValidity: String(uidValidity), uid: Number(uid) };
    const to = rows.find(isNews);
    return [
      to
        ? { type: 'email_moved', payload: { messageId, from, to: placeOf(to) } }
        : { type: 'email_deleted', payload: { messageId, ...from } },
    ];
  });
  const copies = lost
    .filter(isNews)
    .map((row): EventInput => ({ type: 'email_copied', payload: { messageId: row.messageId!, ...placeOf(row) } }));
  return [...facts, ...copies];
}

const arrivalOf = ({ messageId, toMailboxId, toGeneration, toUid }: LostLocation): string =>
  [messageId, toMailboxId, toGeneration, toUid].join(' ');

const placeOf = (row: LostLocation) => ({
  mailboxId: row.toMailboxId!,
  mailbox: row.toPath!,
  uidValidity: String(row.toUidValidity),
  uid: Number(row.toUid),
});

async function markAnnounced(tx: Sql, lost: readonly LostLocation[]): Promise<void> {
  const arrivals = lost.filter(({ toMailboxId }) => toMailboxId !== null);
  if (arrivals.length === 0) return;
  await tx.query(
    `UPDATE message_location l SET arrival_told = true
     FROM unnest($1::uuid[], $2::int[], $3::bigint[]) AS p(mailbox_id, generation, uid)
     WHERE l.mailbox_id = p.mailbox_id AND l.generation = p.generation AND l.uid = p.uid`,
    [
      arrivals.map(({ toMailboxId }) => toMailboxId),
      arrivals.map(({ toGeneration }) => toGeneration),
      arrivals.map(({ toUid }) => toUid),
    ],
  );
}
