import { MailtideError } from '../errors.ts';
import { sourceLimit } from './answer-limits.ts';
import { commandSets } from './command-sets.ts';
import type { FetchedSource, OversizedSource } from './connection.ts';
import type { ImapSession } from './session.ts';

const EMPTY = Buffer.alloc(0);

/** A larger message is fetched in pieces, or imapflow would hold it twice while it joins its own chunks. In bytes. */
const WHOLE = 8 * 1024 * 1024;
const PIECE = 2 * 1024 * 1024;

/**
 * Yields the bytes of messages, one at a time. A row without bytes is no message: the message is expunged (NIL or
 * nothing), or the row has unsolicited flags. An empty literal is a message only if the server reports its size as 0.
 */
export async function* fetchSources(
  session: ImapSession,
  uids: readonly number[],
  sizes: ReadonlyMap<number, { readonly size: number }> = new Map(),
): AsyncGenerator<FetchedSource | OversizedSource> {
  const sizeOf = (uid: number) => sizes.get(uid)?.size ?? 0;
  const waiting = new Set(uids.filter((uid) => sizeOf(uid) <= WHOLE));
  const limit = limitOf(session);
  const empty: number[] = [];
  for (const set of commandSets([...waiting])) {
    try {
      for await (const { uid, source } of session.rows(set, { uid: true, source: true }, limit)) {
        if (!source) continue;
        if (source.length === 0) empty.push(uid);
        // Servers repeat rows.
        else if (waiting.delete(uid)) {
          session.wanted();
          yield { uid, source };
        }
      }
    } catch (error) {
      const uid = oversizedOf(session, error, waiting);
      if (uid !== undefined) yield { uid, source: null };
      throw error;
    }
  }
  // Sizes are not fetched with the bytes: they would cost a tenth of the work, for messages that hardly exist.
  for (const set of commandSets(empty.filter((uid) => waiting.has(uid)))) {
    for await (const { uid, size } of session.rows(set, { uid: true, size: true }, limit)) {
      if (size === 0 && waiting.delete(uid)) yield { uid, source: EMPTY };
    }
  }
  for (const uid of uids) {
    if (sizeOf(uid) <= WHOLE) continue;
    const source = await fetchInPieces(session, uid, sizeOf(uid));
    if (source) yield { uid, source: source === 'oversized' ? null : source };
  }
}

const limitOf = (session: ImapSession) => sourceLimit(session.limits, session.messages);

/**
 * Returns the message whose size ended the connection: the one that the server announced, or the only one requested.
 */
function oversizedOf(session: ImapSession, error: unknown, waiting: Set<number>): number | undefined {
  if (!(error instanceof MailtideError) || error.code !== 'IMAP_ANSWER_TOO_LARGE') return undefined;
  const uid = session.oversized ?? (waiting.size === 1 ? [...waiting][0] : undefined);
  return uid !== undefined && waiting.delete(uid) ? uid : undefined;
}

/** Fetches BODY.PEEK[]<start.length> to the end (RFC 9051, 6.4.5). Returns null if the server returns no bytes. */
async function fetchInPieces(session: ImapSession, uid: number, size: number): Promise<Buffer | null | 'oversized'> {
  let whole = Buffer.allocUnsafeSlow(size);
  for (let end = 0; ; ) {
    let piece: Buffer | undefined;
    const query = { uid: true, source: { start: end, maxLength: PIECE } };
    for await (const row of session.rows(String(uid), query, limitOf(session))) {
      if (row.uid === uid && row.source) piece ??= row.source;
    }
    // Beyond the end, some servers return NIL.
    if (!piece && end < size) return null;
    const length = piece?.length ?? 0;
    if (end + length > session.limits.messageBytes) return 'oversized';
    // Some servers report a smaller size than they send.
    if (end + length > whole.length) whole = Buffer.concat([whole, Buffer.allocUnsafeSlow(size)]);
    piece?.copy(whole, end);
    end += length;
    if (length < PIECE) return whole.subarray(0, end);
  }
}
