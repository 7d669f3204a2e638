import type pg from 'pg';
import { searchQuery } from '../domain/search-words.ts';
import { sqlOf } from './sql.ts';

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
  const conditions = [
    `EXISTS (
       SELECT FROM message_location l
       WHERE l.message_id = m.id AND l.deleted_at IS NULL
       ${filter.mailboxId ? `AND l.mailbox_id = ${value(filter.mailboxId)}` : ''}
       ${filter.unread === undefined ? '' : `AND ${filter.unread ? 'NOT' : ''} l.flags @> '{"\\\\Seen"}'`}
       ${filter.flagged === undefined ? '' : `AND ${filter.flagged ? '' : 'NOT'} l.flags @> '{"\\\\Flagged"}'`})`,
  ];
  if (filter.threadId) conditions.push(`m.thread_id = ${value(filter.threadId)}`);
  if (filter.search?.trim()) {
    const query = searchQuery(filter.search);
    if (query === null) return [];
    conditions.push(`m.search @@ ${value(query)}::tsquery AND ${IN_BOTH_INDEXES}`);
  }
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
