import type { MessageMetadata } from '../domain/imap-types.ts';
import { commandSets } from '../imap/command-sets.ts';
import { addPending, type MailboxRef, presentUids } from '../store/mail/locations.ts';
import { askMetadata } from './ask-metadata.ts';
import { storeFlags } from './changed-flags.ts';
import type { SyncContext } from './context.ts';
import type { ReconnectingConnection } from './reconnecting-connection.ts';
import { StorePipeline } from './store-pipeline.ts';

/**
 * New UIDs are looked for from this far below the highest enumerated one: free insurance against servers that publish
 * a UID late, after a higher one.
 */
const OVERLAP = 500;
/** Rows in one statement: short enough that nobody waits long for the embedded database. */
const ROWS_PER_STATEMENT = 1000;
/** One being read, one being written, and two between: without these, reading and writing wait for each other in turns. */
const WRITES_IN_FLIGHT = 4;

export interface Added {
  /** What the server listed, ascending; all that it has where nothing was enumerated before. */
  readonly listed: readonly number[];
  readonly isWhole: boolean;
  /** The server told the flags of each. */
  readonly flagsProven: boolean;
  /** Of the new ones, those that should have been seen in an earlier pass. */
  readonly late: number;
  /** Known ones that were not listed although they should have been. */
  readonly unlisted: readonly number[];
}

/** Writes what the server has and we have not, from just below the highest enumerated UID on. */
export async function addNew(
  context: SyncContext,
  imap: ReconnectingConnection,
  ref: MailboxRef,
  enumeratedUpTo: number,
): Promise<Added> {
  const fromUid = Math.max(1, enumeratedUpTo - OVERLAP + 1);
  // `n:*` names the last message even when its UID is below n (RFC 9051, 6.4.9).
  const listed = (await imap.connection.searchUids(`${fromUid}:*`)).filter((uid) => uid >= fromUid);
  const known = new Set(await presentUids(context.pool, ref, fromUid));
  const added = listed.filter((uid) => !known.has(uid));
  const isTold = await addUids(context, imap, ref, added);
  // Written by an attempt that died, or by a pass that saw them come after its SELECT: the cursor says nothing of them.
  const early = listed.filter((uid) => uid > enumeratedUpTo && known.has(uid));
  const flagsProven = (await refreshFlags(context, imap, ref, early)) && isTold;
  const late = added.filter((uid) => uid <= enumeratedUpTo).length;
  for (const uid of listed) known.delete(uid);
  return { listed, isWhole: fromUid === 1, flagsProven, late, unlisted: [...known] };
}

/** Takes over the present flags of known UIDs. False when the server did not tell those of all of them. */
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

/** Writes a PENDING location for each of these UIDs. False when the server did not tell the flags of all of them. */
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
    // Twice: a UID missing from an answer proves nothing. Then without the size: a row may lack it.
    for (const withSize of [true, true, false]) {
      if (silent.size > unreadable.size) await askMetadata(imap, ref, silent, take, { unreadable, withSize });
    }
    // What SEARCH listed gets its row all the same, and its bytes will tell.
    for (const uid of silent) rows.push({ uid, flags: [], internalDate: null, size: 0, modseq: null, emailId: null });
    if (rows.length > 0) await writer.push(rows);
    await writer.drain();
  } finally {
    await writer.settle();
  }
  return silent.size === 0;
}
