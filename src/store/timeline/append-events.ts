import { type ChainedEvent, type ChainHead, chainEvents } from '../../timeline/chain.ts';
import type { EventInput } from '../../timeline/schemas.ts';
import { namedStatement, type Parameters } from '../plumbing/named-statement.ts';
import type { Transaction } from '../plumbing/sql.ts';

/**
 * Appends events to an account's timeline, in the transaction of the changes that they record. The chain's head is on
 * the account's row, which stays locked until the transaction ends, so that two writers cannot fork the chain.
 */
export async function appendEvents(
  tx: Transaction,
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
  await tx.query(APPEND.text, APPEND.values({ ...eventParameters(accountId, chained), ...headParameters(last) }));
}

/** The new head of an account's chain. */
export const headParameters = ({ seq, hash }: ChainHead): Parameters => ({ headSeq: seq, headHash: hash });

/** CTE that inserts the rows of {@link eventParameters} where `condition` holds, for a named statement. */
export const appendedSql = (condition = 'true'): string => `
  appended AS (
    INSERT INTO event (account_id, seq, type, schema_version, occurred_at, payload, prev_hash, hash)
    SELECT @accountId::uuid, e.seq, e.type, e.version, e.at, e.payload::jsonb, e.prev, e.hash
    FROM unnest(@eventSeqs::bigint[], @eventTypes::text[], @eventVersions::int[], @eventTimes::timestamptz[],
      @eventPayloads::text[], @eventPrevHashes::bytea[], @eventHashes::bytea[])
      AS e(seq, type, version, at, payload, prev, hash)
    WHERE ${condition}
  )`;

export const eventParameters = (accountId: string, chained: readonly ChainedEvent[]): Parameters => ({
  accountId,
  eventSeqs: chained.map((event) => event.seq),
  eventTypes: chained.map((event) => event.type),
  eventVersions: chained.map((event) => event.schemaVersion),
  eventTimes: chained.map((event) => event.occurredAt),
  eventPayloads: chained.map((event) => JSON.stringify(event.payload)),
  eventPrevHashes: chained.map((event) => event.prevHash),
  eventHashes: chained.map((event) => event.hash),
});

const APPEND = namedStatement(`
  WITH ${appendedSql()}
  UPDATE email_account SET event_seq = @headSeq, event_hash = @headHash WHERE id = @accountId`);
