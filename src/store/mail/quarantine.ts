import type { Pool } from 'pg';
import type { SyncMode } from '../../domain/sync-run.ts';
import type { SyncRun } from '../../generated/prisma/client.ts';
import type { EventInput } from '../../timeline/schemas.ts';
import type { Transaction } from '../plumbing/sql.ts';
import { fenced, type Lease } from '../runs/lease.ts';
import { recordProgress } from '../runs/record-progress.ts';
import { appendEvents } from '../timeline/append-events.ts';
import type { MailboxRef } from './locations.ts';

/**
 * A message whose bytes cannot be fetched or stored is quarantined, and stops no other. Later runs fetch it again,
 * after waits that double.
 *
 *   PENDING --- NOT_SERVED, NOT_STORABLE ---> QUARANTINED (retry_at) --- due, or a full sync ---> PENDING
 *   PENDING --- TOO_LARGE: header stored ---> QUARANTINED ------------- the limit was raised ---> PENDING
 */
export type QuarantineReason = 'NOT_SERVED' | 'NOT_STORABLE' | 'TOO_LARGE';

/** SQL of the wait: 20 minutes after the first attempt, a week from the tenth on. */
export const waitAfter = (attempts: string): string => `interval '10 minutes' * 2 ^ least(${attempts}, 10)`;

export const RETRY_AT = `now() + ${waitAfter('attempts + 1')}`;

/** Quarantines messages with a reason. They count as processed. */
export function quarantine(
  pool: Pool,
  lease: Lease,
  mailbox: MailboxRef,
  uids: readonly number[],
  reason: QuarantineReason,
): Promise<SyncRun> {
  return fenced(pool, lease, async (tx) => {
    const rows = await tx.query<Quarantined>(
      `UPDATE message_location SET state = 'QUARANTINED', attempts = attempts + 1, last_error = $4, retry_at = ${RETRY_AT}
       WHERE mailbox_id = $1 AND generation = $2 AND uid = ANY ($3::bigint[]) AND state = 'PENDING'
         AND deleted_at IS NULL RETURNING uid, message_id, attempts`,
      [mailbox.id, mailbox.generation, uids, reason],
    );
    await appendEvents(
      tx,
      lease.accountId,
      rows.map((row) => eventOf(row, mailbox, reason)),
    );
    return recordProgress(tx, lease, { add: { messagesProcessed: rows.length, eventsCreated: rows.length } });
  });
}

interface Quarantined {
  readonly uid: bigint;
  readonly messageId: string | null;
  readonly attempts: number;
}

function eventOf({ uid, messageId, attempts }: Quarantined, mailbox: MailboxRef, reason: QuarantineReason): EventInput {
  const place = { mailboxId: mailbox.id, mailbox: mailbox.path, uidValidity: mailbox.uidValidity.toString() };
  return { type: 'email_quarantined', payload: { messageId, ...place, uid: Number(uid), reason, attempts } };
}

/**
 * Marks a message of which only the header has just been stored, in the same transaction. If the same bytes are a whole
 * message in another location, it stays whole. If the server reported a smaller size, the message is retried after a
 * while; others are retried when the limit is raised.
 */
export async function markHeadersOnly(
  tx: Transaction,
  lease: Lease,
  mailbox: MailboxRef,
  { uid, isToldSize }: { uid: number; isToldSize: boolean },
): Promise<SyncRun> {
  const [row] = await tx.query<Quarantined & { size: number }>(
    `UPDATE message_location SET state = 'QUARANTINED', attempts = attempts + 1, last_error = 'TOO_LARGE',
       retry_at = CASE WHEN $4 THEN NULL ELSE ${RETRY_AT} END
     WHERE mailbox_id = $1 AND generation = $2 AND uid = $3 RETURNING uid, message_id, attempts, size`,
    [mailbox.id, mailbox.generation, uid, isToldSize],
  );
  const said = isToldSize
    ? `The message has ${row!.size} bytes, more than MAX_MESSAGE_BYTES`
    : `The message has more bytes than MAX_MESSAGE_BYTES, although the server announced ${row!.size}`;
  await tx.query(
    `UPDATE message m SET headers_only = true, parse_error = $2 WHERE m.id = $1 AND NOT EXISTS (
       SELECT FROM message_location l WHERE l.message_id = m.id AND l.state = 'STORED')`,
    [row!.messageId, `${said}: only its header is stored.`],
  );
  await appendEvents(tx, lease.accountId, [eventOf(row!, mailbox, 'TOO_LARGE')]);
  return recordProgress(tx, lease, { add: { eventsCreated: 1 } });
}

/**
 * Counts a failed attempt on these messages. The next run fetches fewer of them at a time, until the message that
 * causes the failure is alone (src/sync/asked-together.ts).
 */
export function countAttempt(pool: Pool, lease: Lease, mailbox: MailboxRef, uids: readonly number[]): Promise<void> {
  return fenced(pool, lease, async (tx) => {
    await tx.query(
      `UPDATE message_location SET attempts = attempts + 1
       WHERE mailbox_id = $1 AND generation = $2 AND uid = ANY ($3::bigint[]) AND state = 'PENDING'`,
      [mailbox.id, mailbox.generation, uids],
    );
  });
}

/**
 * Makes quarantined messages PENDING again that are due for another attempt, or with a full sync all for which another
 * attempt may succeed. A retry time later than the longest possible wait was
 * written by a clock that ran ahead, so that message is due too.
 */
export function releaseQuarantined(
  pool: Pool,
  lease: Lease,
  { mode, maxMessageBytes }: { mode: SyncMode; maxMessageBytes: number },
): Promise<void> {
  return fenced(pool, lease, async (tx) => {
    await tx.query(
      `UPDATE message_location l SET state = 'PENDING' FROM mailbox m
       WHERE m.account_id = $1 AND m.deleted_at IS NULL AND l.mailbox_id = m.id AND l.generation = m.generation
         AND l.state = 'QUARANTINED' AND l.deleted_at IS NULL
         AND (l.last_error IS DISTINCT FROM 'TOO_LARGE' OR l.message_id IS NULL OR l.size <= $2)
         AND ($3 OR l.retry_at IS NULL OR l.retry_at <= now() OR l.retry_at > now() + ${waitAfter('l.attempts')})`,
      [lease.accountId, maxMessageBytes, mode === 'FULL'],
    );
  });
}
