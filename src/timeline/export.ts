import type { StoredEvent } from './verify.ts';

/** Returns an event in the format of docs/timeline.md: one line of JSON, hashes in hex. */
export function exportLine(accountId: string, event: StoredEvent): string {
  return `${JSON.stringify({
    accountId,
    seq: event.seq.toString(),
    type: event.type,
    schemaVersion: event.schemaVersion,
    occurredAt: event.occurredAt.toISOString(),
    payload: event.payload,
    prevHash: Buffer.from(event.prevHash).toString('hex'),
    hash: Buffer.from(event.hash).toString('hex'),
  })}\n`;
}
