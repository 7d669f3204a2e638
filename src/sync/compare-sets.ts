import type { MailboxSnapshot } from '../domain/imap-types.ts';
import type { GapReason } from '../domain/receipt.ts';
import type { UidRanges } from '../domain/uid-ranges.ts';
import type { ImapConnection } from '../imap/connection.ts';
import { countPresent, type MailboxRef, presentUids } from '../store/mail/locations.ts';
import { type Added, addUids } from './add-new.ts';
import type { SyncContext } from './context.ts';
import { countedSet, MailboxQuarantined, type ServerSet, wholeSet } from './mailbox-evidence.ts';
import { isSuspiciousLoss } from './plan.ts';
import type { ReconnectingConnection } from './reconnecting-connection.ts';

export interface SetComparison {
  /** UIDs that are stored and that the server no longer has. */
  readonly gone: readonly number[];
  /** The server's set, for the receipt. */
  readonly server: ServerSet | null;
  /** False if the flags of a UID that was missing from the database are unknown. */
  readonly flagsProven: boolean;
  /** Number of UIDs missing from the database, which an earlier pass should have found. */
  readonly late: number;
  /** How many of `gone` the server never reported as VANISHED. */
  readonly unsaid: number;
  /** Null if the server omits it, or reports one that is not above the last UID. */
  readonly uidNext: number | null;
  /** The highest UID that was listed, 0 if none was. */
  readonly highest: number;
  /** Why nothing is proven, although the listed UIDs are stored. */
  readonly doubt: GapReason | null;
}

/**
 * Finds the deleted UIDs and the server's set. The UIDs that the server reported as VANISHED are believed if the count
 * then matches; otherwise the whole sets are compared. A large loss must be confirmed over a second connection.
 */
export async function compareSets(
  context: SyncContext,
  imap: ReconnectingConnection,
  ref: MailboxRef,
  snapshot: MailboxSnapshot,
  { added, vanished, compareAll }: { added: Added; vanished: readonly UidRanges[]; compareAll: boolean },
): Promise<SetComparison> {
  const { pool } = context;
  const reported = [...vanished];
  const isReported = (uid: number) => reported.some((ranges) => ranges.has(uid));
  const stored = await countPresent(pool, ref, snapshot.uidNext);
  const left = reported.some(({ count }) => count > 0) ? (await presentUids(pool, ref, 1)).filter(isReported) : [];
  const counted = countedSet(snapshot);
  // Equal counts prove nothing if the list contradicts them.
  const isAsListed = added.unlisted.every(isReported);
  if (!compareAll && isAsListed && stored - left.length === snapshot.exists && (counted || added.isWhole)) {
    const gone = await confirmed(context, ref, left, stored);
    const server = added.isWhole && fits(added.listed, snapshot) ? wholeSet(ref, added.listed) : counted;
    const { uidNext } = snapshot;
    return { gone, server, flagsProven: true, late: 0, unsaid: 0, uidNext, highest: 0, doubt: null };
  }

  const { uids, exists, uidNext, isSound } = await listAll(imap.connection, ref, snapshot);
  reported.push(imap.connection.takeVanished());
  const missing = new Set(uids);
  const ours = await presentUids(pool, ref, 1);
  const unlisted = ours.filter((uid) => !missing.delete(uid));
  // If the answer contradicts itself, a UID counts as deleted only if it was also reported as VANISHED.
  const gone = isSound ? unlisted : unlisted.filter(isReported);
  const flagsProven = await addUids(context, imap, ref, [...missing]);
  return {
    gone: await confirmed(context, ref, gone, stored),
    server: isSound ? wholeSet(ref, uids) : countedSet({ exists, uidNext }),
    flagsProven,
    late: missing.size,
    unsaid: gone.filter((uid) => !isReported(uid)).length,
    uidNext: isSound ? uidNext : null,
    highest: uids.at(-1) ?? 0,
    doubt: isSound ? null : 'SERVER_CONTRADICTS_ITSELF',
  };
}

/** How often a mailbox is listed if it changes meanwhile. */
const MAX_LISTINGS = 3;

interface Listing extends Pick<MailboxSnapshot, 'exists' | 'uidNext'> {
  readonly uids: readonly number[];
  /** They are as many as EXISTS. */
  readonly isSound: boolean;
}

/**
 * Lists all UIDs of the mailbox. If their number is not EXISTS, either the server omits some, or the mailbox changed
 * since SELECT: listing it again shows which. A UIDNEXT that is not above a UID listed before it is discarded.
 */
async function listAll(connection: ImapConnection, ref: MailboxRef, snapshot: MailboxSnapshot): Promise<Listing> {
  let now: Pick<MailboxSnapshot, 'exists' | 'uidNext'> = snapshot;
  for (let listing = 1; ; listing++) {
    const uids = await connection.searchUids('1:*');
    const isSound = fits(uids, now);
    if (isSound || listing === MAX_LISTINGS) return { ...now, uids, isSound };
    const { uidValidity, exists, uidNext } = await connection.select(ref.path);
    if (uidValidity !== ref.uidValidity) throw new MailboxQuarantined('SERVER_CONTRADICTS_ITSELF');
    now = { exists, uidNext: uidNext !== null && uidNext > (uids.at(-1) ?? 0) ? uidNext : null };
  }
}

/** Returns whether the UIDs match EXISTS. It counts the messages below UIDNEXT; later ones are listed too. */
function fits(uids: readonly number[], { exists, uidNext }: Pick<MailboxSnapshot, 'exists' | 'uidNext'>): boolean {
  const counted = uidNext === null ? uids.length : uids.filter((uid) => uid < uidNext).length;
  return counted === exists;
}

/** Returns the UIDs of `gone` to believe: if there are suspiciously many, those that a second connection misses too. */
async function confirmed(
  context: SyncContext,
  ref: MailboxRef,
  gone: readonly number[],
  stored: number,
): Promise<readonly number[]> {
  if (!isSuspiciousLoss(gone.length, stored)) return gone;
  const witness = await context.connect();
  try {
    const again = await witness.select(ref.path);
    if (again.uidValidity !== ref.uidValidity) throw new MailboxQuarantined('SERVER_CONTRADICTS_ITSELF');
    const { uids, isSound } = await listAll(witness, ref, again);
    if (!isSound) throw new MailboxQuarantined('SERVER_CONTRADICTS_ITSELF');
    const present = new Set(uids);
    return gone.filter((uid) => !present.has(uid));
  } finally {
    await witness.close();
  }
}
