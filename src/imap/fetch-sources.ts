import { commandSets } from './command-sets.ts';
import type { FetchedSource } from './connection.ts';
import type { ImapSession } from './session.ts';

const EMPTY = Buffer.alloc(0);

/** A larger message comes in pieces, or imapflow would hold it twice while it puts its own pieces together. Bytes. */
const WHOLE = 8 * 1024 * 1024;
const PIECE = 2 * 1024 * 1024;

/**
 * The bytes of messages, one at a time. A row without bytes is no message: expunged meanwhile (NIL or nothing), or
 * flags that nobody asked for. An empty literal is one only if the server, asked for it, says that the size is 0.
 */
export async function* fetchSources(
  session: ImapSession,
  uids: readonly number[],
  sizes: ReadonlyMap<number, { readonly size: number }> = new Map(),
): AsyncGenerator<FetchedSource> {
  const sizeOf = (uid: number) => sizes.get(uid)?.size ?? 0;
  const waiting = new Set(uids.filter((uid) => sizeOf(uid) <= WHOLE));
  const empty: number[] = [];
  for (const set of commandSets([...waiting])) {
    for await (const { uid, source } of session.rows(set, { uid: true, source: true })) {
      if (!source) continue;
      if (source.length === 0) empty.push(uid);
      // Servers repeat rows.
      else if (waiting.delete(uid)) yield { uid, source };
    }
  }
  // Not asked together with the bytes: that is a tenth of the work, for messages that hardly exist.
  for (const set of commandSets(empty.filter((uid) => waiting.has(uid)))) {
    for await (const { uid, size } of session.rows(set, { uid: true, size: true })) {
      if (size === 0 && waiting.delete(uid)) yield { uid, source: EMPTY };
    }
  }
  for (const uid of uids) {
    const source = sizeOf(uid) > WHOLE && (await fetchInPieces(session, uid, sizeOf(uid)));
    if (source) yield { uid, source };
  }
}

/** BODY.PEEK[]<start.length> until there is no more (RFC 9051, 6.4.5). Null when the server says nothing of it. */
async function fetchInPieces(session: ImapSession, uid: number, size: number): Promise<Buffer | null> {
  let whole = Buffer.allocUnsafeSlow(size);
  for (let end = 0; ; ) {
    let piece: Buffer | undefined;
    for await (const row of session.rows(String(uid), { uid: true, source: { start: end, maxLength: PIECE } })) {
      if (row.uid === uid && row.source) piece ??= row.source;
    }
    // Beyond the end some servers say NIL.
    if (!piece && end < size) return null;
    const length = piece?.length ?? 0;
    // Servers have been seen to count less than they send.
    if (end + length > whole.length) whole = Buffer.concat([whole, Buffer.allocUnsafeSlow(size)]);
    piece?.copy(whole, end);
    end += length;
    if (length < PIECE) return whole.subarray(0, end);
  }
}
