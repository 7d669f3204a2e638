import type { MessageMetadata } from '../domain/words.ts';
import type { MailboxRef } from '../store/mail/locations.ts';
import type { Line } from './line.ts';
import { isBroken } from './overcome.ts';

/** Messages of one mailbox whose size may break the connection; of those after them no size is asked for. */
const MAX_BREAKS = 20;

/**
 * Asks for what is `silent`, which `take` takes out of it. A message over whose size the server breaks down, because it
 * would have to read it, is asked for without: its size is 0 then.
 */
export async function askMetadata(
  line: Line,
  ref: MailboxRef,
  silent: Set<number>,
  take: (answer: AsyncIterable<MessageMetadata>) => Promise<void>,
): Promise<void> {
  for (let breaks = 0; ; breaks++) {
    try {
      return await take(line.connection.fetchMetadata([...silent], { withSize: breaks <= MAX_BREAKS }));
    } catch (error) {
      if (!isBroken(error) || breaks > MAX_BREAKS || silent.size === 0) throw error;
      await line.renew(ref);
      // Servers answer in ascending order: it broke over the first that did not come, or the line by itself.
      await take(line.connection.fetchMetadata([Math.min(...silent)], { withSize: false }));
    }
  }
}
