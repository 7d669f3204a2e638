import { hash } from 'node:crypto';
import canonicalizeModule from 'canonicalize';

// The package is CommonJS, but its types describe an ES module.
const canonicalize = canonicalizeModule as unknown as (value: unknown) => string;

/** Named in every preimage, so that a later format cannot be taken for this one. Specification: docs/timeline.md. */
const GENESIS_FORMAT = 'mailtide-timeline-v1';
const EVENT_FORMAT = 'mailtide-event-v1';

/** An event without its own hash: what the hash is of. */
export interface HashedFields {
  readonly accountId: string;
  readonly seq: bigint;
  readonly type: string;
  readonly schemaVersion: number;
  readonly occurredAt: Date;
  readonly payload: unknown;
  readonly prevHash: Uint8Array;
}

/** The `prevHash` of an account's first event: it names the account, so that no chain passes for another's. */
export function genesisHash(accountId: string): Buffer {
  return hash('sha256', `${GENESIS_FORMAT}\n${accountId}`, 'buffer');
}

/** SHA-256 over the format and the RFC 8785 canonical JSON of all other fields, a line each. */
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
