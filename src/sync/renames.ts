import type { ListedMailbox, MailboxSnapshot } from '../domain/imap-types.ts';
import { MailtideError } from '../errors.ts';
import type { ImapConnection } from '../imap/connection.ts';
import type { Rename, StoredMailbox } from '../store/mail/mailboxes.ts';
import { type SampledLocation, sampleLocations } from '../store/mail/sample-locations.ts';
import type { SyncContext } from './context.ts';
import { isAlike, type Recognisable } from './identity.ts';
import type { ReconnectingConnection } from './reconnecting-connection.ts';

/** Messages compared at either end of a mailbox. */
const SAMPLE = 10;

export interface Renames {
  readonly renames: readonly Rename[];
  /** Mailboxes that may have been renamed: the connection broke on the listed mailbox that they may be. */
  readonly uncertain: ReadonlySet<StoredMailbox>;
}

/**
 * Finds renamed mailboxes: pairs of a stored mailbox that has left its name, and a listed one that is not known by its
 * name. They are the same mailbox if their MAILBOXIDs are equal (RFC 8474), or if UIDVALIDITY, UIDs, dates and sizes
 * are.
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
    const { mailbox, listed: candidate } = pair;
    if (mailbox.objectId !== null && !ids.has(candidate.path)) {
      ids.set(candidate.path, (await opened(connection, candidate))?.mailboxId ?? null);
    }
    const id = mailbox.objectId === null ? null : ids.get(candidate.path)!;
    return id === null ? looksTheSame(context, connection, pair) : id === mailbox.objectId;
  }

  for (const pair of renameCandidates(stored, listed)) {
    const { mailbox, listed: candidate } = pair;
    if (renames.some((known) => known.mailbox === mailbox || known.listed === candidate)) continue;
    const answer = breaking.has(candidate) ? null : await imap.attempt((connection) => isSame(connection, pair));
    if (answer === true) renames.push(pair);
    if (answer !== null) continue;
    breaking.add(candidate);
    uncertain.add(mailbox);
  }
  return { renames, uncertain };
}

/**
 * Pure: pairs each stored mailbox that has left its name with each listed one that it may be, by the UIDVALIDITY and
 * UIDNEXT of STATUS, if present, or by a MAILBOXID still to be fetched. A mailbox has left its name if LIST no longer
 * has the name, or has it with another UIDVALIDITY: names may have been swapped, or given to a new mailbox.
 */
export function renameCandidates(stored: readonly StoredMailbox[], listed: readonly ListedMailbox[]): Rename[] {
  const byPath = new Map(listed.map((candidate) => [candidate.path, candidate]));
  const isAway = (mailbox: StoredMailbox): boolean => {
    const uidValidity = byPath.get(mailbox.path)?.status?.uidValidity;
    return !byPath.has(mailbox.path) || (uidValidity != null && uidValidity !== mailbox.uidValidity);
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
      .map((candidate) => ({ mailbox, listed: candidate })),
  );
}

/** Selects a mailbox. Returns null if the server refuses. */
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
  const present = new Map<number, Recognisable>();
  for await (const row of connection.fetchMetadata(sample.map(({ uid }) => uid))) present.set(row.uid, row);
  return isConfirmed(sample, present);
}

/** Pure: returns whether at least half of the sample is present, and every message of it that is present matches. */
export function isConfirmed(sample: readonly SampledLocation[], present: ReadonlyMap<number, Recognisable>): boolean {
  const found = sample.filter(({ uid }) => present.has(uid));
  return found.every((location) => isAlike(location, present.get(location.uid)!)) && found.length * 2 >= sample.length;
}
