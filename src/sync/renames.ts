import type { ListedMailbox } from '../domain/words.ts';
import { MailtideError } from '../errors.ts';
import type { ImapConnection } from '../imap/connection.ts';
import type { Rename, StoredMailbox } from '../store/mail/mailboxes.ts';
import { type SampledLocation, sampleLocations } from '../store/mail/sample-locations.ts';
import type { SyncContext } from './context.ts';
import { isAlike, type Recognisable } from './identity.ts';

/** Messages looked at from either end of a mailbox. */
const SAMPLE = 10;

/**
 * Which mailboxes have another name now: a known one that is not at its place, and one that nobody has seen there. They
 * are the same when the server says so (MAILBOXID, RFC 8474), or when UIDVALIDITY, UIDs, dates and sizes are the same.
 */
export async function findRenames(
  context: SyncContext,
  connection: ImapConnection,
  stored: readonly StoredMailbox[],
  listed: readonly ListedMailbox[],
): Promise<Rename[]> {
  const renames: Rename[] = [];
  for (const pair of renameCandidates(stored, listed)) {
    const isTaken = renames.some(({ mailbox, listed: place }) => mailbox === pair.mailbox || place === pair.listed);
    if (!isTaken && (await isSame(context, connection, pair))) renames.push(pair);
  }
  return renames;
}

/**
 * Pure: each known mailbox that has left its name, with each place that is not the one it was, where UIDVALIDITY and
 * UIDNEXT allow that it is there. A mailbox has left its name when LIST shows the name no more, or shows it with
 * another UIDVALIDITY: names may have been swapped, or given to a new mailbox.
 */
export function renameCandidates(stored: readonly StoredMailbox[], listed: readonly ListedMailbox[]): Rename[] {
  const places = new Map(listed.map((place) => [place.path, place]));
  const isAway = (mailbox: StoredMailbox): boolean => {
    const uidValidity = places.get(mailbox.path)?.status?.uidValidity;
    return !places.has(mailbox.path) || (uidValidity != null && uidValidity !== mailbox.uidValidity);
  };
  const away = stored.filter((mailbox) => mailbox.uidValidity !== null && isAway(mailbox));
  const home = new Set(stored.filter((mailbox) => !isAway(mailbox)).map(({ path }) => path));
  return away.flatMap((mailbox) =>
    listed
      .filter(({ path, status }) => {
        const { uidValidity = null, uidNext = null } = status ?? {};
        const reaches = uidNext === null || mailbox.uidNext === null || BigInt(uidNext) >= mailbox.uidNext;
        return !home.has(path) && path !== mailbox.path && uidValidity === mailbox.uidValidity && reaches;
      })
      .map((place) => ({ mailbox, listed: place })),
  );
}

async function isSame(
  { pool }: SyncContext,
  connection: ImapConnection,
  { mailbox, listed }: Rename,
): Promise<boolean> {
  const now = await connection.select(listed.path).catch((error: unknown) => {
    if (error instanceof MailtideError && error.code === 'IMAP_SERVER_REFUSED') return null;
    throw error;
  });
  if (now?.uidValidity !== mailbox.uidValidity) return false;
  if (now.mailboxId !== null && mailbox.objectId !== null) return now.mailboxId === mailbox.objectId;
  const sample = await sampleLocations(pool, mailbox, SAMPLE);
  if (sample.length === 0) return mailbox.messageCount === 0 && now.exists === 0;
  const there = new Map<number, Recognisable>();
  for await (const row of connection.fetchMetadata(sample.map(({ uid }) => uid))) there.set(row.uid, row);
  return isConfirmed(sample, there);
}

/** Pure: no message that is there contradicts, and at least half of the sample is. */
export function isConfirmed(sample: readonly SampledLocation[], there: ReadonlyMap<number, Recognisable>): boolean {
  const found = sample.filter(({ uid }) => there.has(uid));
  return found.every((location) => isAlike(location, there.get(location.uid)!)) && found.length * 2 >= sample.length;
}
