import type { MailboxSnapshot } from '../domain/words.ts';
import type { ImapConnection } from '../imap/connection.ts';
import { countLive, liveUids, type MailboxRef } from '../store/mail/locations.ts';
import { type Added, addUids } from './add-new.ts';
import { countedSet, MailboxSetAside, type ServerSet, wholeSet } from './claims.ts';
import type { SyncContext } from './context.ts';
import type { Line } from './line.ts';
import { isSuspiciousLoss } from './plan.ts';

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
}

/**
 * Finds what is gone, and what the server has. What it said to have VANISHED is believed if the count then fits; else
 * the sets are compared. A large loss must be confirmed over a second connection.
 */
export async function compareSets(
  context: SyncContext,
  line: Line,
  ref: MailboxRef,
  snapshot: MailboxSnapshot,
  { added, vanished, compareAll }: { added: Added; vanished: readonly number[]; compareAll: boolean },
): Promise<SetComparison> {
  const { pool } = context;
  const said = new Set(vanished);
  const live = await countLive(pool, ref, snapshot.uidNext);
  const left = said.size > 0 ? (await liveUids(pool, ref, 1)).filter((uid) => said.has(uid)) : [];
  const counted = countedSet(snapshot);
  if (!compareAll && live - left.length === snapshot.exists && (counted || added.isWhole)) {
    const gone = await confirmed(context, ref, left, live);
    const server = added.isWhole && fits(added.listed, snapshot) ? wholeSet(ref, added.listed) : counted;
    return { gone, server, flagsProven: true, late: 0, unsaid: 0 };
  }

  const uids = await listAll(line.connection, ref, snapshot);
  for (const uid of line.connection.takeVanished()) said.add(uid);
  const missing = new Set(uids);
  const ours = await liveUids(pool, ref, 1);
  const gone = ours.filter((uid) => !missing.delete(uid));
  const flagsProven = await addUids(context, line, ref, [...missing]);
  return {
    gone: await confirmed(context, ref, gone, live),
    server: wholeSet(ref, uids),
    flagsProven,
    late: missing.size,
    unsaid: gone.filter((uid) => !said.has(uid)).length,
  };
}

/** Looks at a mailbox that changes under our eyes. */
const MAX_LOOKS = 3;

/**
 * All UIDs of the mailbox, as many as the server says EXIST. Fewer or more are the answer of a server that leaves some
 * out, or of a change since SELECT: a new look tells which.
 */
async function listAll(connection: ImapConnection, ref: MailboxRef, snapshot: MailboxSnapshot): Promise<number[]> {
  let now = snapshot;
  for (let look = 1; ; look++) {
    const uids = await connection.searchUids('1:*');
    if (fits(uids, now)) return uids;
    if (look === MAX_LOOKS) throw new MailboxSetAside('SERVER_CONTRADICTS_ITSELF');
    now = await connection.select(ref.path);
    if (now.uidValidity !== ref.uidValidity) throw new MailboxSetAside('SERVER_CONTRADICTS_ITSELF');
  }
}

/** EXISTS counts the messages below UIDNEXT; those that came later are listed too. */
function fits(uids: readonly number[], { exists, uidNext }: MailboxSnapshot): boolean {
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
    if (again.uidValidity !== ref.uidValidity) throw new MailboxSetAside('SERVER_CONTRADICTS_ITSELF');
    const there = new Set(await listAll(witness, ref, again));
    return gone.filter((uid) => !there.has(uid));
  } finally {
    await witness.close();
  }
}
