import { toMailtideError } from '../errors.ts';
import type { MailboxRef, PendingLocation } from '../store/mail/locations.ts';
import { markHeadersOnly, quarantine } from '../store/mail/quarantine.ts';
import { storeBatch } from '../store/mail/store-batch.ts';
import type { Transaction } from '../store/plumbing/sql.ts';
import type { SyncContext } from './context.ts';
import type { ReconnectingConnection } from './reconnecting-connection.ts';

/**
 * Stores only the header of each message that exceeds the size limit, and marks the message. If the header cannot be
 * fetched either, the message is only quarantined.
 */
export async function storeHeaders(
  context: SyncContext,
  imap: ReconnectingConnection,
  ref: MailboxRef,
  large: readonly PendingLocation[],
  movingMessageIds: ReadonlySet<string>,
): Promise<void> {
  const { pool, lease, publish, mime } = context;
  const waiting = new Map(large.map((location) => [location.uid, location]));
  for (const location of large) {
    const { uid } = location;
    const source = await headerOf(imap, ref, uid);
    if (!source || source.length > context.maxMessageBytes) continue;
    waiting.delete(uid);
    const parsed = await mime.digest([source]);
    const items = [{ uid, internalDate: location.internalDate, message: parsed.at(0) }];
    const also = (tx: Transaction) =>
      markHeadersOnly(tx, lease, ref, { uid, isToldSize: location.size > context.maxMessageBytes });
    publish(await storeBatch(pool, lease, { mailbox: ref, items, parsed, movingMessageIds, also }));
  }
  if (waiting.size > 0) publish(await quarantine(pool, lease, ref, [...waiting.keys()], 'TOO_LARGE'));
}

/** Fetches one header: each may be large. Returns undefined if the server returns none, or an oversized one. */
async function headerOf(imap: ReconnectingConnection, ref: MailboxRef, uid: number): Promise<Buffer | undefined> {
  try {
    return (await imap.connection.fetchHeaders([uid]))[0]?.source;
  } catch (error) {
    if (toMailtideError(error).code !== 'IMAP_ANSWER_TOO_LARGE') throw error;
    await imap.renew(ref);
    return undefined;
  }
}
