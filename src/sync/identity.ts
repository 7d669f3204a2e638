import { liveUids, type MailboxRef } from '../store/mail/locations.ts';
import type { StoredMailbox } from '../store/mail/mailboxes.ts';
import { locationsAmong, type SampledLocation } from '../store/mail/sample-locations.ts';
import { askMetadata } from './ask-metadata.ts';
import type { SyncContext } from './context.ts';
import type { Line } from './line.ts';

/** What a message can be told from another one by, without its bytes. */
export interface Recognisable {
  readonly size: number;
  readonly internalDate: Date | null;
}

/** A size of 0 is one that is not known. */
export const isAlike = (stored: SampledLocation, now: Recognisable): boolean =>
  (now.size === 0 || now.size === stored.size) && now.internalDate?.getTime() === stored.internalDate.getTime();

/** Messages looked at with one command. */
const PER_COMMAND = 1000;

/**
 * Whether a UID names another message than the one that is stored for it. A server must give such UIDs another
 * UIDVALIDITY (RFC 9051, 2.3.1.1); one that was set back to a backup does not.
 */
export async function holdsOthers(
  { pool }: SyncContext,
  line: Line,
  mailbox: StoredMailbox,
  ref: MailboxRef,
): Promise<boolean> {
  const uids = await liveUids(pool, mailbox, 1);
  for (let from = 0; from < uids.length; from += PER_COMMAND) {
    const locations = await locationsAmong(pool, mailbox, uids.slice(from, from + PER_COMMAND));
    const stored = new Map(locations.map((location) => [location.uid, location]));
    const silent = new Set(stored.keys());
    let isOther = false;
    await askMetadata(line, ref, silent, async (rows) => {
      for await (const row of rows) {
        silent.delete(row.uid);
        isOther ||= !isAlike(stored.get(row.uid)!, row);
      }
    });
    if (isOther) return true;
  }
  return false;
}
