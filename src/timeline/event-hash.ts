import { hash } from 'node:crypto';
import canonicalizeModule from 'canonicalize';

// The package is CommonJS, but its types describe an ES module.
const canonicalize = canonicalizeModule as unknown as (value: unknown) => string;

/** Part of every preimage, so that a later format cannot be mistaken for this one. Specification: docs/timeline.md. */
const GENESIS_FORMAT = 'mailtide-timeline-v1';
const EVENT_FORMAT = 'mailtide-event-v1';

/** The fields of an event that its hash covers. */
export interface HashedFields {
  readonly accountId: string;
  readonly seq: bigint;
  readonly type: string;
  readonly schemaVersion: number;
  readonly occurredAt: Date;
  readonly payload: unknown;
  readonly prevHash: Uint8Array;
}

/** Returns the `prevHash` of an account's first event. It covers the account, so that no chain passes for another's. */
export function genesisHash(accountId: string): Buffer {
  return hash('sha256', `${GENESIS_FORMAT}\n${accountId}`, 'buffer');
}

/** Returns the SHA-256 of the format, a line feed, and the RFC 8785 canonical JSON of all fields. */
export function eventHash(event: HashedFields): Buffer {
  const fields = canonicalize({
    accountId: event.accountId,
    seq: event.seq.toString(),
    type: event.type,
    schemaVersion: event.schemaVersion,
    occurredAt: event.occurredAt.toISOString(),
    payload: event.payload,
    prevHash: Buffer.from(event.prevHash).toString('hex'),
  });
  return hash('sha256', `${EVENT_FORMAT}\n${fields}`, 'buffer');
}
