import type pg from 'pg';
import { searchQuery } from '../../domain/search-words.ts';
import { sqlOf } from '../plumbing/sql.ts';

/** Selects messages of the tenant that are in a mailbox now. All conditions must hold. */
export interface MessageFilter {
  readonly tenantId: string;
  readonly accountId?: string | undefined;
  readonly mailboxId?: string | undefined;
  readonly threadId?: string | undefined;
  /** As users type it: words, "a phrase", or, -not. */
  readonly search?: string | undefined;
  /** `true`: unread in at least one mailbox, or in `mailboxId` if given. `false`: read in at least one. */
  readonly unread?: boolean | undefined;
  readonly flagged?: boolean | undefined;
  /** Only the newest matching message of each thread (JMAP's collapseThreads, RFC 8621, 4.4.3). */
  readonly collapseThreads?: boolean | undefined;
}

/** The position of a message in the list, newest first. */
export interface MessagePosition {
  readonly id: string;
  readonly receivedAt: Date;
}

/**
 * Returns the next `limit` messages of the filter after `after`. The newest of every account are found in the index by
 * account, then merged, so that a page costs the same for any number of messages. With `search`, PostgreSQL chooses
 * between that and the full-text index, by how common the words are.
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

  // A mailbox may be small compared with its account: PostgreSQL may then begin with the mailbox's messages.
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
 * Always true, but lets the planner use two partial indexes, one for each half: the full-text index, and the index of
 * messages that wait for it (index-waiting.ts) and are scanned word by word.
 */
export const IN_BOTH_INDEXES = '(m.indexed_at IS NOT NULL OR m.indexed_at IS NULL)';

/** Returns the conditions on a message's location: its mailbox and flags. */
function placeConditions({ mailboxId, unread, flagged }: MessageFilter, value: (given: unknown) => string): string {
  const conditions = ['l.deleted_at IS NULL'];
  if (mailboxId) conditions.push(`l.mailbox_id = ${value(mailboxId)}`);
  if (unread !== undefined) conditions.push(`${unread ? 'NOT' : ''} l.flags @> '{"\\\\Seen"}'`);
  if (flagged !== undefined) conditions.push(`${flagged ? '' : 'NOT'} l.flags @> '{"\\\\Flagged"}'`);
  return conditions.join(' AND ');
}

/**
 * Makes PostgreSQL check a condition message by message, newest first, until the page is full. Otherwise it may turn
 * the condition into a join over all messages. It does so without statistics, when it takes the tables for nearly
 * empty, as in the embedded database and in one that has just been filled.
 */
const ONE_BY_ONE = 'OFFSET 0';

/**
 * Returns the condition that no newer message of the thread matches. A newer one is the next entry of the index by
 * thread, so no column that a sync would have to maintain is needed.
 */
const isNewestOfThread = (newerMatches: string): string =>
  `NOT EXISTS (
     SELECT FROM message newer
     WHERE newer.thread_id = m.thread_id AND (newer.received_at, newer.id) > (m.received_at, m.id) AND ${newerMatches}
     ${ONE_BY_ONE})`;
