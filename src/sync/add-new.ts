import type { MessageMetadata } from '../domain/imap-types.ts';
import { commandSets } from '../imap/command-sets.ts';
import { addPending, type MailboxRef, presentUids } from '../store/mail/locations.ts';
import { askMetadata } from './ask-metadata.ts';
import { storeFlags } from './changed-flags.ts';
import type { SyncContext } from './context.ts';
import type { ReconnectingConnection } from './reconnecting-connection.ts';
import { StorePipeline } from './store-pipeline.ts';

/**
 * The search for new UIDs begins this far below the highest enumerated one: cheap insurance against servers that
 * publish a UID late, after a higher one.
 */
const OVERLAP = 500;
/** Rows in one statement, so that others do not wait long for the embedded database. */
const ROWS_PER_STATEMENT = 1000;
/** One being read, one being written, and two in between, so that reading and writing do not alternate. */
const WRITES_IN_FLIGHT = 4;

export interface Added {
  /** The UIDs that the server listed, ascending; all of them if none was enumerated before. */
  readonly listed: readonly number[];
  /** `listed` is the whole mailbox. */
  readonly isWhole: boolean;
  /** The server returned the flags of each. */
  readonly flagsProven: boolean;
  /** Number of new UIDs that an earlier pass should have found. */
  readonly late: number;
  /** Stored UIDs that the server should have listed, and did not. */
  readonly unlisted: readonly number[];
}

/** Adds the messages that the server lists and the database lacks, from just below the highest enumerated UID. */
export async function addNew(
  context: SyncContext,
  imap: ReconnectingConnection,
  ref: MailboxRef,
  enumeratedUpTo: number,
): Promise<Added> {
  const fromUid = Math.max(1, enumeratedUpTo - OVERLAP + 1);
  // `n:*` includes the last message even if its UID is below n (RFC 9051, 6.4.9).
  const listed = (await imap.connection.searchUids(`${fromUid}:*`)).filter((uid) => uid >= fromUid);
  const known = new Set(await presentUids(context.pool, ref, fromUid));
  const added = listed.filter((uid) => !known.has(uid));
  const hasAllFlags = await addUids(context, imap, ref, added);
  // Added by an attempt that died, or by a pass after its SELECT: the cursor does not cover their flags.
  const early = listed.filter((uid) => uid > enumeratedUpTo && known.has(uid));
  const flagsProven = (await refreshFlags(context, imap, ref, early)) && hasAllFlags;
  const late = added.filter((uid) => uid <= enumeratedUpTo).length;
  for (const uid of listed) known.delete(uid);
  return { listed, isWhole: fromUid === 1, flagsProven, late, unlisted: [...known] };
}

/** Stores the present flags of known UIDs. Returns false if the server did not return the flags of all of them. */
async function refreshFlags(
  context: SyncContext,
  { connection }: ReconnectingConnection,
  ref: MailboxRef,
  uids: readonly number[],
): Promise<boolean> {
  const silent = new Set(uids);
  for (const set of commandSets(uids)) {
    const flags = await connection.fetchFlags(set);
    await storeFlags(context, ref, flags, 'present');
    for (const { uid } of flags) silent.delete(uid);
  }
  return silent.size === 0;
}

/**
 * Adds a PENDING location for each of these UIDs. Returns false if the server did not return the flags of all of them.
 */
export async function addUids(
  { pool, lease, mime }: SyncContext,
  imap: ReconnectingConnection,
  ref: MailboxRef,
  uids: readonly number[],
): Promise<boolean> {
  if (uids.length > 0) mime.warmUp();
  const silent = new Set(uids);
  let rows: MessageMetadata[] = [];
  // The next rows are read while these are written.
  const writer = new StorePipeline<MessageMetadata[], MessageMetadata[]>({
    inFlight: WRITES_IN_FLIGHT,
    digest: (batch) => Promise.resolve(batch),
    store: (batch) => addPending(pool, lease, ref, batch),
  });
  const take = async (answer: AsyncIterable<MessageMetadata>): Promise<void> => {
    for await (const row of answer) {
      silent.delete(row.uid);
      rows.push(row);
      if (rows.length < ROWS_PER_STATEMENT) continue;
      const full = rows;
      rows = [];
      await writer.push(full);
    }
  };
  try {
    const unreadable = new Set<number>();
    // Twice, because a UID missing from an answer proves nothing. Then without the size, which the answer may lack.
    for (const withSize of [true, true, false]) {
      if (silent.size > unreadable.size) await askMetadata(imap, ref, silent, take, { unreadable, withSize });
    }
    // A UID that SEARCH listed still gets its row; fetching its bytes will show whether it exists.
    for (const uid of silent) rows.push({ uid, flags: [], internalDate: null, size: 0, modseq: null, emailId: null });
    if (rows.length > 0) await writer.push(rows);
    await writer.drain();
  } finally {
    await writer.settle();
  }
  return silent.size === 0;
}
