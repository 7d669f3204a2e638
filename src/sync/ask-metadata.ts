import type { MessageMetadata } from '../domain/imap-types.ts';
import type { MailboxRef } from '../store/mail/locations.ts';
import { isConnectionBreak, type ReconnectingConnection } from './reconnecting-connection.ts';

/** Most messages of a mailbox whose size may break the connection; after them, no size is fetched any more. */
const MAX_BREAKS = 20;
/** Most messages whose metadata cannot be fetched at all: each costs two connections, or timeouts. */
const MAX_UNREADABLE = 3;

/**
 * Fetches the metadata of the messages in `silent`, except those in `unreadable`; `take` removes from `silent` the
 * messages that arrive. If computing a message's size makes the server fail, the message is fetched without
 * RFC822.SIZE, and its size is 0. If the server still fails, the message is added to `unreadable`.
 */
export async function askMetadata(
  imap: ReconnectingConnection,
  ref: MailboxRef,
  silent: ReadonlySet<number>,
  take: (answer: AsyncIterable<MessageMetadata>) => Promise<void>,
  { unreadable = new Set<number>(), withSize = true } = {},
): Promise<void> {
  for (let breaks = 0; ; breaks++) {
    const asked = [...silent].filter((uid) => !unreadable.has(uid));
    try {
      return await take(imap.connection.fetchMetadata(asked, { withSize: withSize && breaks <= MAX_BREAKS }));
    } catch (error) {
      if (!isConnectionBreak(error) || breaks > MAX_BREAKS) throw error;
      await imap.renew(ref);
      // Servers answer in ascending order: the first message that did not arrive broke the connection, if any did.
      const suspect = asked.filter((uid) => silent.has(uid)).reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
      if (suspect === Number.POSITIVE_INFINITY) return;
      try {
        await take(imap.connection.fetchMetadata([suspect], { withSize: false }));
      } catch (again) {
        if (!isConnectionBreak(again) || unreadable.size >= MAX_UNREADABLE) throw again;
        unreadable.add(suspect);
        await imap.renew(ref);
      }
    }
  }
}
