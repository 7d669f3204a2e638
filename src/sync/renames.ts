import type { ListedMailbox, MailboxSnapshot } from '../domain/imap-types.ts';
import { MailtideError } from '../errors.ts';
import type { ImapConnection } from '../imap/connection.ts';
import type { Rename, StoredMailbox } from '../store/mail/mailboxes.ts';
import { type SampledLocation, sampleLocations } from '../store/mail/sample-locations.ts';
import type { SyncContext } from './context.ts';
import { isAlike, type Recognisable } from './identity.ts';
import type { ReconnectingConnection } from './reconnecting-connection.ts';

/** Messages looked at from either end of a mailbox. */
const SAMPLE = 10;

export interface Renames {
  readonly renames: readonly Rename[];
  /** Mailboxes that may have another name: the connection broke over the place where they may be. */
  readonly uncertain: ReadonlySet<StoredMailbox>;
}

/**
 * Which mailboxes have another name now: a known one that is not at its place, and one that nobody has seen there. They
 * are the same when the server says so (MAILBOXID, RFC 8474), or when UIDVALIDITY, UIDs, dates and sizes are the same.
 */
export async function findRenames(
  context: SyncContext,
  imap: ReconnectingConnection,
  stored: readonly StoredMailbox[],
  listed: readonly ListedMailbox[],
): Promise<Renames> {
  const renames: Rename[] = [];
  const uncertain = new Set<StoredMailbox>();
  const breaking = new Set<ListedMailbox>();
  // Asked by SELECT: Cyrus 3.6 answers a LIST that wants MAILBOXID together with MESSAGES with garbage.
  const ids = new Map<string, string | null>();

  async function isSame(connection: ImapConnection, pair: Rename): Promise<boolean> {
    const { mailbox, listed: place } = pair;
    if (mailbox.objectId !== null && !ids.has(place.path)) {
      ids.set(place.path, (await opened(connection, place))?.mailboxId ?? null);
    }
    const id = mailbox.objectId === null ? null : ids.get(place.path)!;
    return id === null ? looksTheSame(context, connection, pair) : id === mailbox.objectId;
  }

  for (const pair of renameCandidates(stored, listed)) {
    const { mailbox, listed: place } = pair;
    if (renames.some((known) => known.mailbox === mailbox || known.listed === place)) continue;
    const answer = breaking.has(place) ? null : await imap.attempt((connection) => isSame(connection, pair));
    if (answer === true) renames.push(pair);
    if (answer !== null) continue;
    breaking.add(place);
    uncertain.add(mailbox);
  }
  return { renames, uncertain };
}

/**
 * Pure: each known mailbox that has left its name, with each place that is not the one it was, where UIDVALIDITY and
 * UIDNEXT, as far as STATUS says them, or a MAILBOXID to be asked for, allow that it is there. A mailbox has left its name when LIST shows the name
 * no more, or shows it with another UIDVALIDITY: names may have been swapped, or given to a new mailbox.
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
        if (home.has(path) || path === mailbox.path) return false;
        const { uidValidity = null, uidNext = null } = status ?? {};
        const reaches = uidNext === null || mailbox.uidNext === null || BigInt(uidNext) >= mailbox.uidNext;
        const isPossible = uidValidity === null || uidValidity === mailbox.uidValidity;
        return mailbox.objectId !== null || (isPossible && reaches);
      })
      .map((place) => ({ mailbox, listed: place })),
  );
}

/** Null when the server refuses it. */
async function opened(connection: ImapConnection, { path }: ListedMailbox): Promise<MailboxSnapshot | null> {
  return connection.select(path).catch((error: unknown) => {
    if (error instanceof MailtideError && error.code === 'IMAP_SERVER_REFUSED') return null;
    throw error;
  });
}

async function looksTheSame(
  { pool }: SyncContext,
  connection: ImapConnection,
  { mailbox, listed }: Rename,
): Promise<boolean> {
  const now = await opened(connection, listed);
  if (now?.uidValidity !== mailbox.uidValidity) return false;
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
