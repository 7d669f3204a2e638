import type { Pool } from 'pg';
import type { SyncRun } from '../../generated/prisma/client.ts';
import type { EventInput } from '../../timeline/schemas.ts';
import { appendEvents } from '../append-events.ts';
import { recordProgress } from '../runs/record-progress.ts';
import { fenced, type Lease, type Sql } from '../sql.ts';
import { commitCursor, type MailboxCursor, type StoredMailbox } from './mailboxes.ts';

/** What is gone from a mailbox: UIDs of its present generation, all of the earlier ones, or everything. */
export type Gone =
  | { readonly generation: number; readonly uids: readonly number[] }
  | { readonly before: number }
  | 'all';

/**
 * Tombstones what is gone, and tells of it by what it means: moved, if the message has come to another mailbox since
 * this one was last seen (and was not there before under another UIDVALIDITY), or to another UID of this one, as what was
 * moved out and back has; deleted otherwise. After a UIDVALIDITY change a message that is still in the same mailbox went
 * nowhere, and nothing is said. With `cursor` the mailbox's pass is complete, in the same transaction.
 */
export function tombstone(
  pool: Pool,
  lease: Lease,
  mailbox: StoredMailbox,
  gone: Gone,
  cursor: MailboxCursor | null,
): Promise<SyncRun> {
  return fenced(pool, lease, async (tx) => {
    const lost = [...Map.groupBy(await markDeleted(tx, mailbox.id, gone), keyOf).values()];
    const facts = lost.flatMap(([row]) => factOf(row!, mailbox));
    await appendEvents(tx, lease.accountId, facts);
    const copies = await copiesOf(
      tx,
      lease.accountId,
      lost.flatMap((rows) => rows.slice(1)),
    );
    await appendEvents(tx, lease.accountId, copies);
    if (cursor) await commitCursor(tx, lease, mailbox.id, cursor);
    const moved = facts.filter((fact) => fact.type === 'email_moved').length;
    return recordProgress(tx, lease, {
      add: {
        messagesUpdated: moved,
        messagesDeleted: facts.length - moved,
        eventsCreated: facts.length + copies.length,
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
       SELECT t.stored_at, t.mailbox_id AS to_mailbox_id, b.path AS to_path, t.uid AS to_uid, b.uid_validity AS to_uid_validity,
         t.mailbox_id = $1 AND t.generation > lost.generation AS is_renumbered
       FROM message_location t JOIN mailbox b ON b.id = t.mailbox_id
       WHERE t.message_id = lost.message_id AND t.deleted_at IS NULL
         AND (t.mailbox_id <> $1 OR ${stays})
         AND (lost.last_seen_at IS NULL OR t.stored_at > lost.last_seen_at)
         AND (t.mailbox_id = $1 OR NOT EXISTS (
           SELECT FROM message_location e
           WHERE e.message_id = lost.message_id AND e.mailbox_id = t.mailbox_id AND e.generation < t.generation))
     ) home ON true
     ORDER BY lost.generation, lost.uid, home.is_renumbered DESC, home.to_mailbox_id = $1 DESC, home.stored_at DESC`,
    [mailboxId, ...values],
  );
}

function factOf(row: LostLocation, mailbox: StoredMailbox): EventInput[] {
  if (!row.messageId || row.isRenumbered) return [];
  const from = {
    mailboxId: mailbox.id,
    mailbox: mailbox.path,
    uidValidity: String(row.uidValidity),
    uid: Number(row.uid),
  };
  if (!row.toMailboxId) return [{ type: 'email_deleted', payload: { messageId: row.messageId, ...from } }];
  return [{ type: 'email_moved', payload: { messageId: row.messageId, from, to: placeOf(row) } }];
}

const placeOf = (row: LostLocation) => ({
  mailboxId: row.toMailboxId!,
  mailbox: row.toPath!,
  uidValidity: String(row.toUidValidity),
  uid: Number(row.toUid),
});

/**
 * A message that left one place and came to several moved to one and was copied to the others. Nothing was told of any
 * when it came, for that was to be the move; so what the timeline does not tell yet is told now.
 */
async function copiesOf(tx: Sql, accountId: string, places: readonly LostLocation[]): Promise<EventInput[]> {
  const copies = places
    .filter(({ messageId, isRenumbered }) => messageId && !isRenumbered)
    .map((row) => ({ messageId: row.messageId!, ...placeOf(row) }));
  if (copies.length === 0) return [];
  const told = await tx.query<{ messageId: string; place: { mailboxId: string; uidValidity: string; uid: number } }>(
    `SELECT payload->>'messageId' AS message_id, coalesce(payload->'to', payload) AS place FROM event
     WHERE account_id = $1 AND type IN ('email_received', 'email_copied', 'email_moved')
       AND payload->>'messageId' = ANY ($2)`,
    [accountId, copies.map(({ messageId }) => messageId)],
  );
  const nameOf = (messageId: string, { mailboxId, uidValidity, uid }: (typeof told)[number]['place']): string =>
    [messageId, mailboxId, uidValidity, uid].join(' ');
  const known = new Set(told.map(({ messageId, place }) => nameOf(messageId, place)));
  return copies
    .filter((copy) => known.size < known.add(nameOf(copy.messageId, copy)).size)
    .map((payload): EventInput => ({ type: 'email_copied', payload }));
}
