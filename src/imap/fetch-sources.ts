import { commandSets } from './command-sets.ts';
import type { FetchedSource } from './connection.ts';
import type { ImapSession } from './session.ts';

const EMPTY = Buffer.alloc(0);

/**
 * The bytes of messages, one at a time. A row without bytes is no message: expunged meanwhile (NIL or nothing), or
 * flags that nobody asked for. An empty literal is one only if the server, asked for it, says that the size is 0.
 */
export async function* fetchSources(session: ImapSession, uids: readonly number[]): AsyncGenerator<FetchedSource> {
  const waiting = new Set(uids);
  const empty: number[] = [];
  for (const set of commandSets(uids)) {
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
}
