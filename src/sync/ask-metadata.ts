import type { MessageMetadata } from '../domain/imap-types.ts';
import type { MailboxRef } from '../store/mail/locations.ts';
import { isConnectionBreak, type ReconnectingConnection } from './reconnecting-connection.ts';

/** Messages of one mailbox whose size may break the connection; of those after them no size is asked for. */
const MAX_BREAKS = 20;
/** Messages of which nothing at all can be asked: each costs two connections, or time-outs. */
const MAX_UNREADABLE = 3;

/**
 * Asks for what is `silent`, which `take` takes out of it, except for what is `unreadable`. A message over whose size the
 * server breaks down, because it would have to read it, is asked for without: its size is 0 then. One over which it
 * breaks down all the same becomes unreadable.
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
      // Servers answer in ascending order: it broke over the first that did not come, or the line by itself.
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
