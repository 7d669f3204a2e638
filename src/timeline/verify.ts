import { type ChainHead, genesisHash } from './chain.ts';
import { eventHash } from './event-hash.ts';

/** An event as the database has it. Its type and version may be newer or older than this code knows. */
export interface StoredEvent {
  readonly seq: bigint;
  readonly type: string;
  readonly schemaVersion: number;
  readonly occurredAt: Date;
  readonly payload: unknown;
  readonly prevHash: Uint8Array;
  readonly hash: Uint8Array;
}

/** How a chain is broken. */
export type ChainBreak =
  /** A sequence number is missing, repeated or out of order: events were removed, added or moved. */
  | 'SEQUENCE'
  /** `prevHash` is not the hash of the event before it (for the first event: the account's genesis hash). */
  | 'LINK'
  /** The event's hash is not that of its contents: it was changed. */
  | 'CONTENT'
  /** The events end before or after the head, or with another hash: the end was truncated or replaced. */
  | 'HEAD';

export interface ChainVerification {
  readonly ok: boolean;
  /** Number of intact events, from the first on. */
  readonly length: bigint;
  /** Hash of the last intact event, or the genesis hash if none is. */
  readonly head: Buffer;
  /** Sequence number at which the chain is broken. */
  readonly brokenAtSeq: bigint | null;
  readonly reason: ChainBreak | null;
}

/**
 * Verifies an account's timeline, which is read in the order of `seq`, one event at a time.
 * @param head the end of the chain by the account's row; without it, a truncated chain would look intact
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

/** Returns null for contents that cannot be hashed (a time of "infinity", for example): Mailtide did not write them. */
function hashOf(accountId: string, event: StoredEvent): Buffer | null {
  try {
    return eventHash({ accountId, ...event });
  } catch {
    return null;
  }
}
