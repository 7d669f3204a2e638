import type { FetchMessageObject } from 'imapflow';
import { canonicalFlags } from '../domain/flags.ts';
import type { FlagChange, MessageMetadata } from '../domain/imap-types.ts';
import { UidRanges } from '../domain/uid-ranges.ts';
import { rowsLimit } from './answer-limits.ts';
import { commandSets } from './command-sets.ts';
import { dateOf, modseqOf, objectIdOf, sizeOf } from './field-values.ts';
import type { ImapSession } from './session.ts';
import { rowsInParts } from './smaller-sets.ts';

/** The fields of a message that the rows of a command have contained so far. */
type Row = Pick<FetchMessageObject, 'flags' | 'modseq' | 'internalDate' | 'size' | 'emailId'>;

/**
 * Yields the metadata of messages. Servers split the fields of a message over several rows, repeat them, and send
 * unsolicited rows in between (RFC 9051, 7.5.2), so rows are merged by UID. A message is yielded once all its fields
 * have arrived. At the end of its command it is yielded even without an internal date.
 */
export async function* fetchMetadata(
  session: ImapSession,
  uids: readonly number[],
  withSize: boolean,
): AsyncGenerator<MessageMetadata> {
  const query = { uid: true, flags: true, internalDate: true, ...(withSize ? { size: true } : {}) };
  const waiting = new Set(uids);
  const limit = rowsLimit(session.messages);
  for (const set of commandSets(uids)) {
    const partial = new Map<number, Row>();
    for await (const row of rowsInParts(session, set, query, limit)) {
      if (!waiting.has(row.uid)) continue;
      const known = merge(partial.get(row.uid), withSize ? row : { ...row, size: 0 });
      if (known.flags && known.size !== undefined && known.internalDate) {
        waiting.delete(row.uid);
        partial.delete(row.uid);
        session.wanted();
        yield metadata(row.uid, known.flags, known.size, known);
      } else {
        partial.set(row.uid, known);
      }
    }
    for (const [uid, known] of partial) {
      if (!known.flags || known.size === undefined) continue;
      waiting.delete(uid);
      yield metadata(uid, known.flags, known.size, known);
    }
  }
}

/** Returns the flags from the last row of each message. Messages that the server omits are missing. */
export async function fetchFlags(session: ImapSession, set: string, changedSince?: bigint): Promise<FlagChange[]> {
  const byUid = new Map<number, Row>();
  const options = changedSince === undefined ? {} : { changedSince };
  const asked = new UidRanges();
  asked.add(set);
  const limit = rowsLimit(session.messages);
  for await (const { uid, flags, modseq } of rowsInParts(session, set, { uid: true, flags: true }, limit, options)) {
    if (!asked.has(uid)) continue;
    byUid.set(uid, merge(byUid.get(uid), { ...(flags ? { flags } : {}), ...(modseq ? { modseq } : {}) }));
  }
  return [...byUid].flatMap(([uid, { flags, modseq }]) =>
    flags ? [{ uid, flags: canonicalFlags(flags), modseq: modseqOf(modseq) }] : [],
  );
}

const merge = (known: Row | undefined, row: Row): Row => (known ? { ...known, ...row } : row);

function metadata(
  uid: number,
  flags: Set<string>,
  size: number,
  { internalDate, modseq, emailId }: Row,
): MessageMetadata {
  return {
    uid,
    flags: canonicalFlags(flags),
    internalDate: dateOf(internalDate),
    size: sizeOf(size),
    modseq: modseqOf(modseq),
    emailId: objectIdOf(emailId),
  };
}
