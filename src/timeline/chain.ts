import { eventHash } from './event-hash.ts';
import { checkPayload, currentVersion, type EventInput, type EventPayload, type EventType } from './schemas.ts';

export { genesisHash } from './event-hash.ts';

/** The last event of a chain; for an empty chain, sequence 0 and the account's genesis hash. */
export interface ChainHead {
  readonly seq: bigint;
  readonly hash: Uint8Array;
}

/** An event with its position in the chain, as it is stored. */
export interface ChainedEvent {
  readonly seq: bigint;
  readonly type: EventType;
  readonly schemaVersion: number;
  readonly occurredAt: Date;
  readonly payload: EventPayload<EventType>;
  readonly prevHash: Buffer;
  readonly hash: Buffer;
}

/**
 * Links events to the end of an account's chain: sequence numbers have no gaps, and each hash covers the one before.
 * `at` has the precision of the database (milliseconds, timestamptz(3)), as every Date has.
 * @throws ZodError if a payload violates its schema; then no event is linked
 */
export function chainEvents(
  head: ChainHead,
  accountId: string,
  events: readonly EventInput[],
  at: Date,
): ChainedEvent[] {
  let { seq } = head;
  let prevHash: Buffer = Buffer.from(head.hash);
  return events.map((event) => {
    checkPayload(event);
    const unhashed = {
      seq: ++seq,
      type: event.type,
      schemaVersion: currentVersion(event.type),
      occurredAt: at,
      payload: event.payload,
      prevHash,
    };
    const hash = eventHash({ accountId, ...unhashed });
    prevHash = hash;
    return { ...unhashed, hash };
  });
}
