import type pg from 'pg';
import type { MailAddress } from '../../domain/imap-types.ts';
import { sqlOf } from '../plumbing/sql.ts';

/** Summary of a thread, over its messages that are in a mailbox now. */
export interface ThreadSummary {
  readonly messageCount: number;
  /** Messages that are unread in the given mailbox, or in any mailbox if none is given. */
  readonly unreadCount: number;
  /** Messages with the flag \Flagged, counted in the same way. */
  readonly flaggedCount: number;
  readonly lastMessageAt: Date | null;
  /** The senders, each once, the most recent first. */
  readonly participants: readonly MailAddress[];
}

/** The messages of one sender in a thread. */
interface Share {
  readonly threadId: string;
  readonly sender: MailAddress | null;
  readonly messages: number;
  readonly unread: number;
  readonly flagged: number;
  readonly lastAt: Date;
}

/**
 * Returns the summaries of a tenant's threads by id; none for a thread whose messages are all gone.
 * @param mailboxId the mailbox whose flags count; null for those of all mailboxes
 */
export async function threadSummaries(
  pool: pg.Pool,
  tenantId: string,
  threadIds: readonly string[],
  mailboxId: string | null = null,
): Promise<Map<string, ThreadSummary>> {
  const shares = await sqlOf(pool).query<Share>(
    `SELECT m.thread_id, (array_agg(m."from"->0 ORDER BY m.received_at DESC, m.id DESC))[1] AS sender,
       count(*)::int AS messages, (count(*) FILTER (WHERE place.unread))::int AS unread,
       (count(*) FILTER (WHERE place.flagged))::int AS flagged, max(m.received_at) AS last_at
     FROM email_account a
     JOIN thread t ON t.account_id = a.id
     JOIN message m ON m.thread_id = t.id
     CROSS JOIN LATERAL (
       SELECT count(*) AS places,
         bool_or(NOT l.flags @> '{"\\\\Seen"}') FILTER (WHERE $3::uuid IS NULL OR l.mailbox_id = $3) AS unread,
         bool_or(l.flags @> '{"\\\\Flagged"}') FILTER (WHERE $3::uuid IS NULL OR l.mailbox_id = $3) AS flagged
       FROM message_location l WHERE l.message_id = m.id AND l.deleted_at IS NULL
     ) place
     WHERE a.tenant_id = $1 AND t.id = ANY ($2::uuid[]) AND place.places > 0
     GROUP BY m.thread_id, lower(coalesce(m."from"->0->>'address', m."from"->0->>'name'))
     ORDER BY m.thread_id, last_at DESC, (array_agg(m.id ORDER BY m.received_at DESC, m.id DESC))[1] DESC`,
    [tenantId, threadIds, mailboxId],
  );
  return new Map(
    [...Map.groupBy(shares, ({ threadId }) => threadId)].map(([threadId, ofThread]) => [threadId, summed(ofThread)]),
  );
}

const summed = (shares: readonly Share[]): ThreadSummary => ({
  messageCount: sum(shares.map(({ messages }) => messages)),
  unreadCount: sum(shares.map(({ unread }) => unread)),
  flaggedCount: sum(shares.map(({ flagged }) => flagged)),
  lastMessageAt: shares[0]?.lastAt ?? null,
  participants: shares.flatMap(({ sender }) => sender ?? []),
});

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
