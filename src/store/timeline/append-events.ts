import { type ChainHead, chainEvents } from '../../timeline/chain.ts';
import type { EventInput } from '../../timeline/schemas.ts';
import type { Sql } from '../plumbing/sql.ts';

/**
 * Appends events to an account's timeline, in the transaction of the changes that they record. The chain's head is on
 * the account's row, which stays locked until the transaction ends, so that two writers cannot fork the chain.
 */
export async function appendEvents(
  tx: Sql,
  accountId: string,
  events: readonly EventInput[],
  at: Date = new Date(),
): Promise<void> {
  if (events.length === 0) return;
  const [head] = await tx.query<ChainHead>(
    'SELECT event_seq AS seq, event_hash AS hash FROM email_account WHERE id = $1 FOR UPDATE',
    [accountId],
  );
  if (!head) throw new Error('events for an account that does not exist');
  const chained = chainEvents(head, accountId, events, at);
  const last = chained.at(-1)!;
  await tx.query(
    `WITH ${appendedSql()}
     UPDATE email_account SET event_seq = $9, event_hash = $10 WHERE id = $1`,
    [accountId, ...eventColumns(chained), last.seq, last.hash],
  );
}

/** CTE that inserts the rows of {@link eventColumns}, given as $2 to $8, for account $1, if `condition` holds. */
export const appendedSql = (condition = 'true'): string => `
  appended AS (
    INSERT INTO event (account_id, seq, type, schema_version, occurred_at, payload, prev_hash, hash)
    SELECT $1::uuid, e.seq, e.type, e.version, e.at, e.payload::jsonb, e.prev, e.hash
    FROM unnest($2::bigint[], $3::text[], $4::int[], $5::timestamptz[], $6::text[], $7::bytea[], $8::bytea[])
      AS e(seq, type, version, at, payload, prev, hash)
    WHERE ${condition}
  )`;

export function eventColumns(chained: ReturnType<typeof chainEvents>): unknown[] {
  return [
    chained.map((event) => event.seq),
    chained.map((event) => event.type),
    chained.map((event) => event.schemaVersion),
    chained.map((event) => event.occurredAt),
    chained.map((event) => JSON.stringify(event.payload)),
    chained.map((event) => event.prevHash),
    chained.map((event) => event.hash),
  ];
}
