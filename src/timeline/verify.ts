import { type ChainHead, genesisHash } from './chain.ts';
import { eventHash } from './event-hash.ts';

/** An event as the database has it. Its type and version may be of a time that this code does not know. */
export interface StoredEvent {
  readonly seq: bigint;
  readonly type: string;
  readonly schemaVersion: number;
  readonly occurredAt: Date;
  readonly payload: unknown;
  readonly prevHash: Uint8Array;
  readonly hash: Uint8Array;
}

/** What the first broken place looks like. */
export type ChainBreak =
  /** A number is missing, doubled or out of order: events were removed, added or moved. */
  | 'SEQUENCE'
  /** The event does not name the hash of the one before it (of the first: the account's genesis hash). */
  | 'LINK'
  /** The event's hash is not that of its contents: it was changed. */
  | 'CONTENT'
  /** The events end before or after the head, or with another hash: the end was cut off or replaced. */
  | 'HEAD';

export interface ChainVerification {
  readonly ok: boolean;
  /** Events that were found intact, from the first on. */
  readonly length: bigint;
  /** Hash of the last intact event, the genesis hash when there is none. */
  readonly head: Buffer;
  /** Sequence number of the first place that is not as it should be. */
  readonly brokenAtSeq: bigint | null;
  readonly reason: ChainBreak | null;
}

/**
 * Verifies an account's timeline, read in order of `seq` and held one event at a time.
 * @param head the chain's end as the account's row has it; without it, a truncated chain looks intact
 */
export async function verifyChain(
  accountId: string,
  events: AsyncIterable<StoredEvent> | Iterable<StoredEvent>,
  head: ChainHead,
): Promise<ChainVerification> {
  let length = 0n;
  let last = genesisHash(accountId);
  const broken = (reason: ChainBreak): ChainVerification => {
    return { ok: false, length, head: last, brokenAtSeq: length + 1n, reason };
  };
  for await (const event of events) {
    if (event.seq !== length + 1n) return broken('SEQUENCE');
    if (!last.equals(event.prevHash)) return broken('LINK');
    if (event.seq > head.seq) return broken('HEAD');
    const hash = hashOf(accountId, event);
    if (!hash?.equals(event.hash)) return broken('CONTENT');
    if (event.seq === head.seq && !hash.equals(head.hash)) return broken('HEAD');
    last = hash;
    length = event.seq;
  }
  if (length !== head.seq || !last.equals(head.hash)) return broken('HEAD');
  return { ok: true, length, head: last, brokenAtSeq: null, reason: null };
}

/** Null for contents that cannot be hashed at all (a time of "infinity", say): we did not write them. */
function hashOf(accountId: string, event: StoredEvent): Buffer | null {
  try {
    return eventHash({ accountId, ...event });
  } catch {
    return null;
  }
}
