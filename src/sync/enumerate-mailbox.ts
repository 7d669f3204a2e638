import type { MailboxSnapshot, MessageMetadata } from '../domain/words.ts';
import type { ImapConnection } from '../imap/connection.ts';
import { addPending, countLive, liveUids, type MailboxRef, messagesAt, updateFlags } from '../store/mail/locations.ts';
import { beginGeneration, finishPass, type MailboxCursor, type StoredMailbox } from '../store/mail/mailboxes.ts';
import { recordProgressNow } from '../store/runs/record-progress.ts';
import { changedFlags } from './changed-flags.ts';
import type { SyncContext } from './context.ts';
import { isSuspiciousLoss, planPass } from './plan.ts';

/**
 * New UIDs are looked for from this far below the highest enumerated one: free insurance against servers that publish
 * a UID late, after a higher one.
 */
const OVERLAP = 500;
/** Rows in one transaction: short enough that nobody waits long for the embedded database. */
const ROWS_PER_TRANSACTION = 1000;

/** A pass over one mailbox, finished but for its deletions: those wait until all mailboxes' new mail is stored. */
export interface MailboxPass {
  readonly mailbox: StoredMailbox;
  readonly ref: MailboxRef;
  readonly gone: readonly number[];
  /** Null when it is committed already, because nothing is gone. */
  readonly cursor: MailboxCursor | null;
  /** Messages at the UIDs that are gone: about to be found elsewhere, or deleted. */
  readonly leaving: readonly string[];
}

/**
 * Brings what is known of a mailbox up to date: a PENDING location for each new message, changed flags, and which
 * messages are gone. The order is that of RFC 7162 clients: snapshot at SELECT, new UIDs by UID alone, changes by
 * mod-sequence, deletions by comparing sets; the cursor moves last.
 */
export async function enumerateMailbox(
  context: SyncContext,
  connection: ImapConnection,
  stored: StoredMailbox,
): Promise<MailboxPass> {
  const { pool, lease, publish, log, mode } = context;
  const snapshot = await connection.select(stored.path);
  connection.takeVanished();
  const plan = planPass(stored, snapshot, mode);
  log.debug({ mailbox: stored.path, ...plan }, 'mailbox pass');

  let mailbox = stored;
  if (plan.newGeneration) {
    publish(await beginGeneration(pool, lease, stored, snapshot));
    const reset = { enumeratedUpTo: 0n, highestModseq: null, flagSweepUid: 0n, hasOldGeneration: true };
    mailbox = { ...stored, ...reset, generation: stored.generation + 1 };
  }
  const { id, path, generation } = mailbox;
  const ref: MailboxRef = { id, path, generation, uidValidity: snapshot.uidValidity };
  publish(await recordProgressNow(pool, lease, { phase: 'ENUMERATING', mailbox: path }));

  const highest = Number(mailbox.enumeratedUpTo);
  const newest = await addNew(context, connection, ref, Math.max(1, highest - OVERLAP + 1));
  const changes = await changedFlags(connection, mailbox, plan, highest);
  for (const chunk of chunksOf(changes.flags, ROWS_PER_TRANSACTION)) {
    const run = await updateFlags(pool, lease, ref, chunk);
    if (run) publish(run);
  }
  const gone = await findGone(context, connection, ref, snapshot, {
    vanished: [...changes.vanished, ...connection.takeVanished()],
    wholeSet: plan.wholeSet,
  });

  const cursor: MailboxCursor = {
    snapshot,
    // UIDs below UIDNEXT cannot appear any more.
    enumeratedUpTo: Math.max(highest, (snapshot.uidNext ?? 1) - 1, newest),
    flagSweepUid: changes.sweptTo,
  };
  if (gone.length > 0 || mailbox.hasOldGeneration) {
    const leaving = [
      ...(await messagesAt(pool, id, { generation, uids: gone })),
      ...(mailbox.hasOldGeneration ? await messagesAt(pool, id, { before: generation }) : []),
    ];
    return { mailbox, ref, gone, cursor, leaving };
  }
  publish(await finishPass(pool, lease, id, cursor, { mailboxesSynced: 1 }));
  return { mailbox, ref, gone, cursor: null, leaving: [] };
}

/** Writes what the server has from `fromUid` on and we have not. Returns the highest UID that it listed. */
async function addNew(
  context: SyncContext,
  connection: ImapConnection,
  ref: MailboxRef,
  fromUid: number,
): Promise<number> {
  // `n:*` names the last message even when its UID is below n (RFC 9051, 6.4.9).
  const listed = (await connection.searchUids(`${fromUid}:*`)).filter((uid) => uid >= fromUid);
  const known = new Set(await liveUids(context.pool, ref, fromUid));
  await addUids(
    context,
    connection,
    ref,
    listed.filter((uid) => !known.has(uid)),
  );
  return listed.at(-1) ?? 0;
}

async function addUids(
  { pool, lease }: SyncContext,
  connection: ImapConnection,
  ref: MailboxRef,
  uids: readonly number[],
): Promise<void> {
  if (uids.length === 0) return;
  const silent = new Set(uids);
  let rows: MessageMetadata[] = [];
  // A UID missing from an answer proves nothing: it is asked for again.
  for (let ask = 0; ask < 2 && silent.size > 0; ask++) {
    for await (const row of connection.fetchMetadata([...silent])) {
      silent.delete(row.uid);
      rows.push(row);
      if (rows.length === ROWS_PER_TRANSACTION) {
        await addPending(pool, lease, ref, rows);
        rows = [];
      }
    }
  }
  // What SEARCH listed gets its row all the same, and its bytes will tell.
  for (const uid of silent) rows.push({ uid, flags: [], internalDate: null, size: 0, modseq: null });
  if (rows.length > 0) await addPending(pool, lease, ref, rows);
}

/**
 * UIDs that we hold and the server does not. What the server said to have VANISHED is believed if the count then fits;
 * else the sets are compared. A large loss must be confirmed over a second connection.
 */
async function findGone(
  context: SyncContext,
  connection: ImapConnection,
  ref: MailboxRef,
  snapshot: MailboxSnapshot,
  { vanished, wholeSet }: { vanished: readonly number[]; wholeSet: boolean },
): Promise<number[]> {
  const { pool } = context;
  const said = new Set(vanished);
  let gone: number[] = [];
  const live = await countLive(pool, ref, snapshot.uidNext);
  if (said.size > 0) gone = (await liveUids(pool, ref, 1)).filter((uid) => said.has(uid));
  if (wholeSet || live - gone.length !== snapshot.exists) {
    const { uids: server, isWhole } = await wholeSetOf(connection, ref, snapshot.exists);
    const ours = await liveUids(pool, ref, 1);
    gone = isWhole ? ours.filter((uid) => !server.has(uid)) : [];
    if (!isWhole)
      context.log.warn({ mailbox: ref.path }, 'a search lists less than the mailbox has: nothing is deleted');
    for (const uid of ours) server.delete(uid);
    // Listed by the server and unknown to us, below what was enumerated: published late, or lost by an earlier fault.
    if (server.size > 0) {
      context.log.warn({ mailbox: ref.path, uids: server.size }, 'messages below the enumerated range were missing');
      await addUids(context, connection, ref, [...server]);
    }
  }
  if (!isSuspiciousLoss(gone.length, live)) return gone;
  const witness = await context.connect();
  try {
    const again = await witness.select(ref.path);
    if (again.uidValidity !== ref.uidValidity) return [];
    const there = new Set(await witness.searchUids('1:*'));
    return gone.filter((uid) => !there.has(uid));
  } finally {
    await witness.close();
  }
}

/**
 * All UIDs of the selected mailbox. An answer with fewer than EXISTS may be short, or somebody expunged in between: a
 * new view tells. `isWhole` is false where that does not agree with itself either: what is missing proves nothing then.
 */
async function wholeSetOf(
  connection: ImapConnection,
  ref: MailboxRef,
  exists: number,
): Promise<{ uids: Set<number>; isWhole: boolean }> {
  const uids = new Set(await connection.searchUids('1:*'));
  if (uids.size >= exists) return { uids, isWhole: true };
  const again = await connection.select(ref.path);
  const fresh = new Set(await connection.searchUids('1:*'));
  const isWhole = again.uidValidity === ref.uidValidity && fresh.size >= again.exists;
  return { uids: fresh, isWhole };
}

function* chunksOf<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let i = 0; i < items.length; i += size) yield items.slice(i, i + size);
}
