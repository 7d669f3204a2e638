import { commandSets } from './command-sets.ts';
import type { FetchedSource } from './connection.ts';
import type { ImapSession } from './session.ts';

/**
 * The bytes of messages, one at a time. A row without bytes is no message: expunged meanwhile (NIL or nothing), or
 * flags that nobody asked for; only where the server says that the size is 0 are no bytes the whole of it.
 */
export async function* fetchSources(session: ImapSession, uids: readonly number[]): AsyncGenerator<FetchedSource> {
  const waiting = new Set(uids);
  for (const set of commandSets(uids)) {
    for await (const { uid, source, size } of session.rows(set, { uid: true, size: true, source: true })) {
      if (!source || (source.length === 0 && size !== 0)) continue;
      // Servers repeat rows.
      if (waiting.delete(uid)) yield { uid, source };
    }
  }
}
