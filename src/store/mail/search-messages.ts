import type pg from 'pg';
import { searchQuery } from '../../domain/search-words.ts';
import { sqlOf } from '../plumbing/sql.ts';

/** Which messages: those of the tenant that are in a mailbox now, fewer with every condition. */
export interface MessageFilter {
  readonly tenantId: string;
  readonly accountId?: string | undefined;
  readonly mailboxId?: string | undefined;
  readonly threadId?: string | undefined;
  /** As a person types it: words, "a phrase", or, -not. */
  readonly search?: string | undefined;
  /** Without the flag \Seen in one of its places (in the mailbox, where that is given), or with it. */
  readonly unread?: boolean | undefined;
  readonly flagged?: boolean | undefined;
  /** Of the messages of a thread that all this holds for, only the newest (JMAP's collapseThreads, RFC 8621, 4.4.3). */
  readonly collapseThreads?: boolean | undefined;
}

/** The place of a message in the list, newest first. */
export interface MessagePosition {
  readonly id: string;
  readonly receivedAt: Date;
}

/**
 * The `limit` messages of the filter that follow `after`. The newest of every account are found through the account's
 * own index, then merged, so that a page costs the same however many messages there are; with `search` PostgreSQL
 * chooses between that and the full-text index, by how common the words are.
 */
export async function searchMessages(
  pool: pg.Pool,
  filter: MessageFilter,
  limit: number,
  after: MessagePosition | null = null,
): Promise<MessagePosition[]> {
  const values: unknown[] = [];
  const value = (given: unknown): string => `$${values.push(given)}`;
  const tenant = value(filter.tenantId);
  const account = filter.accountId ? `AND a.id = ${value(filter.accountId)}` : '';
  const place = placeConditions(filter, value);
  const words = filter.search?.trim() ? searchQuery(filter.search) : undefined;
  if (words === null) return [];
  const found = words === undefined ? null : `search @@ ${value(words)}::tsquery`;
  const matches = (message: string, how: string): string =>
    [
      `EXISTS (SELECT FROM message_location l WHERE l.message_id = ${message}.id AND ${place} ${how})`,
      ...(found ? [`${message}.${found}`] : []),
    ].join(' AND ');

  // A mailbox may be small beside its account: then PostgreSQL may begin with what is in it.
  const conditions = [matches('m', filter.mailboxId ? '' : ONE_BY_ONE)];
  if (found) conditions.push(IN_BOTH_INDEXES);
  if (filter.threadId) conditions.push(`m.thread_id = ${value(filter.threadId)}`);
  if (filter.collapseThreads) conditions.push(isNewestOfThread(matches('newer', ONE_BY_ONE)));
  if (after) conditions.push(`(m.received_at, m.id) < (${value(after.receivedAt)}, ${value(after.id)}::uuid)`);
  const most = value(limit);
  return sqlOf(pool).query<MessagePosition>(
    `SELECT newest.id, newest.received_at
     FROM email_account a
     CROSS JOIN LATERAL (
       SELECT m.id, m.received_at FROM message m
       WHERE m.account_id = a.id AND ${conditions.join(' AND ')}
       ORDER BY m.received_at DESC, m.id DESC
       LIMIT ${most}
     ) newest
     WHERE a.tenant_id = ${tenant} ${account}
     ORDER BY newest.received_at DESC, newest.id DESC
     LIMIT ${most}`,
    values,
  );
}

/**
 * Always true, and said because of what it says: found by the full-text index, or waiting for it (index-waiting.ts) and
 * read word by word. Both indexes are partial, and the planner takes the two of them for the two halves.
 */
export const IN_BOTH_INDEXES = '(m.indexed_at IS NOT NULL OR m.indexed_at IS NULL)';

/** Where a message has to be, and with which flags there. */
function placeConditions({ mailboxId, unread, flagged }: MessageFilter, value: (given: unknown) => string): string {
  const conditions = ['l.deleted_at IS NULL'];
  if (mailboxId) conditions.push(`l.mailbox_id = ${value(mailboxId)}`);
  if (unread !== undefined) conditions.push(`${unread ? 'NOT' : ''} l.flags @> '{"\\\\Seen"}'`);
  if (flagged !== undefined) conditions.push(`${flagged ? '' : 'NOT'} l.flags @> '{"\\\\Flagged"}'`);
  return conditions.join(' AND ');
}

/**
 * Keeps a condition one that is asked of a message after the other, newest first, until the page is full. PostgreSQL
 * would make a join of it, which begins with all there is: so it does where it has no statistics and takes the tables
 * for nearly empty, as in the embedded database, and in one that has just been filled.
 */
const ONE_BY_ONE = 'OFFSET 0';

/**
 * What is newer in its thread is the next entry of the index by thread. Nothing of a thread is stored that a sync would
 * have to keep right.
 */
const isNewestOfThread = (newerMatches: string): string =>
  `NOT EXISTS (
     SELECT FROM message newer
     WHERE newer.thread_id = m.thread_id AND (newer.received_at, newer.id) > (m.received_at, m.id) AND ${newerMatches}
     ${ONE_BY_ONE})`;
