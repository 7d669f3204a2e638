import type { Pool } from 'pg';
import { sameFlags } from '../../domain/flags.ts';
import type { FlagChange } from '../../domain/imap-types.ts';
import type { SyncRun } from '../../generated/prisma/client.ts';
import type { EventInput } from '../../timeline/schemas.ts';
import type { Sql } from '../plumbing/sql.ts';
import { fenced, type Lease } from '../runs/lease.ts';
import { recordProgress } from '../runs/record-progress.ts';
import { appendEvents } from '../timeline/append-events.ts';
import type { MailboxRef } from './locations.ts';

/**
 * Where flags come from. `changes`: the server reported them as changed; an older modseq never overwrites a newer one,
 * so that a pass may be repeated. `present`: they were just fetched and are right, whatever is stored. A restored
 * mailbox continues its mod-sequences from those of the backup: a stored one that is too high would hide all later
 * changes.
 */
export type FlagSource = 'changes' | 'present';

/**
 * Writes flags that differ from the stored ones, with one event for each stored message.
 * @returns the run if anything was written, and how many messages had different flags
 */
export function updateFlags(
  pool: Pool,
  lease: Lease,
  mailbox: MailboxRef,
  changes: readonly FlagChange[],
  source: FlagSource,
): Promise<{ run: SyncRun | null; changed: number }> {
  return fenced(pool, lease, async (tx) => {
    const updates = await updatesFor(tx, mailbox, changes, source);
    if (updates.length === 0) return { run: null, changed: 0 };
    await tx.query(
      `UPDATE message_location l SET flags = string_to_array(c.flags, ' '), modseq = coalesce(c.modseq, l.modseq)
       FROM unnest($3::bigint[], $4::text[], $5::bigint[]) AS c(uid, flags, modseq)
       WHERE l.mailbox_id = $1 AND l.generation = $2 AND l.uid = c.uid`,
      [
        mailbox.id,
        mailbox.generation,
        updates.map(({ change }) => change.uid),
        updates.map(({ change }) => change.flags.join(' ')),
        updates.map(({ change }) => change.modseq),
      ],
    );
    const differing = updates.filter(({ change, before }) => !sameFlags(before.flags, change.flags));
    const events = differing.flatMap((update) => eventsOf(update, mailbox));
    await appendEvents(tx, lease.accountId, events);
    const run = await recordProgress(tx, lease, {
      add: { messagesUpdated: events.length, eventsCreated: events.length },
    });
    return { run, changed: differing.length };
  });
}

interface StoredFlags {
  readonly uid: bigint;
  readonly flags: string[];
  readonly modseq: bigint | null;
  readonly messageId: string | null;
}

interface FlagUpdate {
  readonly change: FlagChange;
  readonly before: StoredFlags;
}

async function updatesFor(
  tx: Sql,
  mailbox: MailboxRef,
  changes: readonly FlagChange[],
  source: FlagSource,
): Promise<FlagUpdate[]> {
  const stored = await tx.query<StoredFlags>(
    `SELECT uid, flags, modseq, message_id FROM message_location
     WHERE mailbox_id = $1 AND generation = $2 AND uid = ANY ($3::bigint[]) AND deleted_at IS NULL`,
    [mailbox.id, mailbox.generation, changes.map((change) => change.uid)],
  );
  const byUid = new Map(stored.map((row) => [Number(row.uid), row]));
  return changes.flatMap((change) => {
    const before = byUid.get(change.uid);
    if (!before) return [];
    const isOlder = before.modseq !== null && change.modseq !== null && change.modseq < before.modseq;
    const differs = !sameFlags(before.flags, change.flags);
    return (source === 'present' ? differs || isOlder : differs && !isOlder) ? [{ change, before }] : [];
  });
}

/** Returns the event of an update; none for a message that is not stored, because no client knows it. */
function eventsOf({ change, before }: FlagUpdate, mailbox: MailboxRef): EventInput[] {
  if (!before.messageId) return [];
  return [
    {
      type: 'email_flags_changed',
      payload: {
        messageId: before.messageId,
        mailboxId: mailbox.id,
        mailbox: mailbox.path,
        uidValidity: mailbox.uidValidity.toString(),
        uid: change.uid,
        flags: [...change.flags],
        previousFlags: before.flags,
      },
    },
  ];
}
