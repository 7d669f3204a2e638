import type { Pool } from 'pg';
import type { SyncRun } from '../../generated/prisma/client.ts';
import type { EventInput } from '../../timeline/schemas.ts';
import { fenced, type Lease, type Sql } from '../plumbing/sql.ts';
import { recordProgress } from '../runs/record-progress.ts';
import { appendEvents } from '../timeline/append-events.ts';
import { commitCursor, type MailboxCursor, type StoredMailbox } from './mailboxes.ts';

/** What is gone from a mailbox: UIDs of its present generation, all of the earlier ones, or everything. */
export type Gone =
  | { readonly generation: number; readonly uids: readonly number[] }
  | { readonly before: number }
  | 'all';

/**
 * Tombstones what is gone, and tells of it by what it means: moved, if the message has come to another place since this
 * mailbox was last seen, to another mailbox (and was not there before under another UIDVALIDITY) or to another UID of
 * this one, as what was moved out and back has; deleted otherwise. That it came to a place is told once: where the
 * timeline tells it already, as of a copy, it is not where this one went. After a UIDVALIDITY change a message that is
 * still in the same mailbox went nowhere, and nothing is said. With `cursor` the mailbox's pass is complete, in the same
 * transaction.
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
    const events = tell(lost, mailbox);
    const count = (type: EventInput['type']): number => events.filter((event) => event.type === type).length;
    await appendEvents(tx, lease.accountId, events);
    await markTold(tx, lost);
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

/** One that is gone, and a place where its message has come to since the mailbox was last seen; a row for each place. */
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
  /** That is this mailbox under another UIDVALIDITY. */
  isRenumbered: boolean | null;
}

function markDeleted(tx: Sql, mailboxId: string, gone: Gone): Promise<LostLocation[]> {
  // The statement does not see its own UPDATE: what is gone as well is no place to have come to.
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
 * Pure: a message that left one place and came to several moved to one and was copied to the others. One that left
 * several and came to one moved there from one of them.
 */
function tell(lost: readonly LostLocation[], mailbox: StoredMailbox): EventInput[] {
  const told = new Set<string>();
  const isNews = (row: LostLocation): boolean =>
    row.messageId !== null &&
    row.toMailboxId !== null &&
    !row.isRenumbered &&
    told.size < told.add(arrivalOf(row)).size;
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

async function markTold(tx: Sql, lost: readonly LostLocation[]): Promise<void> {
  const places = lost.filter(({ toMailboxId }) => toMailboxId !== null);
  if (places.length === 0) return;
  await tx.query(
    `UPDATE message_location l SET arrival_told = true
     FROM unnest($1::uuid[], $2::int[], $3::bigint[]) AS p(mailbox_id, generation, uid)
     WHERE l.mailbox_id = p.mailbox_id AND l.generation = p.generation AND l.uid = p.uid`,
    [
      places.map(({ toMailboxId }) => toMailboxId),
      places.map(({ toGeneration }) => toGeneration),
      places.map(({ toUid }) => toUid),
    ],
  );
}
