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
  /** UIDs that we hold and the server does not. */
  readonly gone: readonly number[];
  /** What the server has, for the receipt. */
  readonly server: ServerSet | null;
  /** False when the flags of a message that was missing here are not known. */
  readonly flagsProven: boolean;
  /** UIDs that were missing here, and that no earlier pass should have missed. */
  readonly late: number;
  /** Of `gone`, those that the server never said to be gone. */
  readonly unsaid: number;
  /** Null where the server does not say it, or says one that is not above the last UID. */
  readonly uidNext: number | null;
  /** The highest UID that was listed, 0 where none was. */
  readonly highest: number;
  /** Why nothing is proven: what the server listed is stored all the same. */
  readonly doubt: GapReason | null;
}

/**
 * Finds what is gone, and what the server has. What it said to have VANISHED is believed if the count then fits; else
 * the sets are compared. A large loss must be confirmed over a second connection.
 */
export async function compareSets(
  context: SyncContext,
  imap: ReconnectingConnection,
  ref: MailboxRef,
  snapshot: MailboxSnapshot,
  { added, vanished, compareAll }: { added: Added; vanished: readonly UidRanges[]; compareAll: boolean },
): Promise<SetComparison> {
  const { pool } = context;
  const said = [...vanished];
  const isSaid = (uid: number) => said.some((ranges) => ranges.has(uid));
  const live = await countPresent(pool, ref, snapshot.uidNext);
  const left = said.some(({ count }) => count > 0) ? (await presentUids(pool, ref, 1)).filter(isSaid) : [];
  const counted = countedSet(snapshot);
  // Equal counts prove nothing where the list says something else.
  const isAsListed = added.unlisted.every(isSaid);
  if (!compareAll && isAsListed && live - left.length === snapshot.exists && (counted || added.isWhole)) {
    const gone = await confirmed(context, ref, left, live);
    const server = added.isWhole && fits(added.listed, snapshot) ? wholeSet(ref, added.listed) : counted;
    const { uidNext } = snapshot;
    return { gone, server, flagsProven: true, late: 0, unsaid: 0, uidNext, highest: 0, doubt: null };
  }

  const { uids, exists, uidNext, isSound } = await listAll(imap.connection, ref, snapshot);
  said.push(imap.connection.takeVanished());
  const missing = new Set(uids);
  const ours = await presentUids(pool, ref, 1);
  const unlisted = ours.filter((uid) => !missing.delete(uid));
  // Of an answer that contradicts itself only what the server says twice is believed.
  const gone = isSound ? unlisted : unlisted.filter(isSaid);
  const flagsProven = await addUids(context, imap, ref, [...missing]);
  return {
    gone: await confirmed(context, ref, gone, live),
    server: isSound ? wholeSet(ref, uids) : countedSet({ exists, uidNext }),
    flagsProven,
    late: missing.size,
    unsaid: gone.filter((uid) => !isSaid(uid)).length,
    uidNext: isSound ? uidNext : null,
    highest: uids.at(-1) ?? 0,
    doubt: isSound ? null : 'SERVER_CONTRADICTS_ITSELF',
  };
}

/** Looks at a mailbox that changes under our eyes. */
const MAX_LOOKS = 3;

interface Listing extends Pick<MailboxSnapshot, 'exists' | 'uidNext'> {
  readonly uids: readonly number[];
  /** They are as many as the server says EXIST. */
  readonly isSound: boolean;
}

/**
 * All UIDs of the mailbox. Fewer or more than the server says EXIST are the answer of a server that leaves some out, or
 * of a change since SELECT: a new look tells which. A UIDNEXT that is not above a UID which was listed before it was
 * said is none.
 */
async function listAll(connection: ImapConnection, ref: MailboxRef, snapshot: MailboxSnapshot): Promise<Listing> {
  let now: Pick<MailboxSnapshot, 'exists' | 'uidNext'> = snapshot;
  for (let look = 1; ; look++) {
    const uids = await connection.searchUids('1:*');
    const isSound = fits(uids, now);
    if (isSound || look === MAX_LOOKS) return { ...now, uids, isSound };
    const { uidValidity, exists, uidNext } = await connection.select(ref.path);
    if (uidValidity !== ref.uidValidity) throw new MailboxQuarantined('SERVER_CONTRADICTS_ITSELF');
    now = { exists, uidNext: uidNext !== null && uidNext > (uids.at(-1) ?? 0) ? uidNext : null };
  }
}

/** EXISTS counts the messages below UIDNEXT; those that came later are listed too. */
function fits(uids: readonly number[], { exists, uidNext }: Pick<MailboxSnapshot, 'exists' | 'uidNext'>): boolean {
  const counted = uidNext === null ? uids.length : uids.filter((uid) => uid < uidNext).length;
  return counted === exists;
}

/** What a second witness misses as well, if so much is gone that one is not enough. */
async function confirmed(
  context: SyncContext,
  ref: MailboxRef,
  gone: readonly number[],
  live: number,
): Promise<readonly number[]> {
  if (!isSuspiciousLoss(gone.length, live)) return gone;
  const witness = await context.connect();
  try {
    const again = await witness.select(ref.path);
    if (again.uidValidity !== ref.uidValidity) throw new MailboxQuarantined('SERVER_CONTRADICTS_ITSELF');
    const { uids, isSound } = await listAll(witness, ref, again);
    if (!isSound) throw new MailboxQuarantined('SERVER_CONTRADICTS_ITSELF');
    const there = new Set(uids);
    return gone.filter((uid) => !there.has(uid));
  } finally {
    await witness.close();
  }
}
