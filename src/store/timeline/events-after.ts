import type { Pool } from 'pg';
import type { Event } from '../../generated/prisma/client.ts';
import { sqlOf } from '../plumbing/sql.ts';

/** Returns the number of events of an account; null if it is not the tenant's, or does not exist any more. */
export async function timelineLength(pool: Pool, tenantId: string, accountId: string): Promise<bigint | null> {
  const [row] = await sqlOf(pool).query<{ eventSeq: bigint }>(
    'SELECT event_seq FROM email_account WHERE id = $1 AND tenant_id = $2',
    [accountId, tenantId],
  );
  return row?.eventSeq ?? null;
}

/** Returns the next events of an account after `seq`, at most `limit`, in order. */
export function eventsAfter(pool: Pool, accountId: string, seq: bigint, limit: number): Promise<Event[]> {
  return sqlOf(pool).query<Event>('SELECT * FROM event WHERE account_id = $1 AND seq > $2 ORDER BY seq LIMIT $3', [
    accountId,
    seq,
    limit,
  ]);
}
