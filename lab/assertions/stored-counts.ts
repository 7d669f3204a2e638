import type { FinishedRun } from '../service/sync.ts';
import { type StoredAt, withDatabase } from './stored-truth.ts';

/** Compares the counters of an account's first run with counts of the rows that it wrote. */
export type StoredCounts = Pick<
  FinishedRun['stats'],
  'mailboxesSynced' | 'messagesFetched' | 'messagesCreated' | 'eventsCreated' | 'bytesDownloaded'
>;

export function storedCounts(at: StoredAt, emailAddress: string): Promise<StoredCounts> {
  return withDatabase(at, async (client) => {
    const { rows } = await client.query<StoredCounts>(
      `SELECT
         (SELECT count(*)::int FROM mailbox b WHERE b.account_id = a.id AND b.last_synced_at IS NOT NULL)
           AS "mailboxesSynced",
         (SELECT count(*)::int FROM message_location l WHERE l.account_id = a.id AND l.state = 'STORED')
           AS "messagesFetched",
         (SELECT count(*)::int FROM message m WHERE m.account_id = a.id) AS "messagesCreated",
         (SELECT count(*)::int FROM event e WHERE e.account_id = a.id AND e.type ~ '^(email|mailbox)_')
           AS "eventsCreated",
         (SELECT coalesce(sum(m.size), 0)::text FROM message_location l JOIN message m ON m.id = l.message_id
          WHERE l.account_id = a.id) AS "bytesDownloaded"
       FROM email_account a WHERE a.email_address = $1`,
      [emailAddress],
    );
    return rows[0]!;
  });
}
