import { headersLimit } from './answer-limits.ts';
import { commandSets } from './command-sets.ts';
import type { FetchedSource } from './connection.ts';
import type { ImapSession } from './session.ts';
import { rowsInParts } from './smaller-sets.ts';

/** BODY.PEEK[HEADER] of messages, or these fields of it. Rows may be missing; unsolicited ones are dropped. */
export async function fetchHeaders(
  session: ImapSession,
  uids: readonly number[],
  fields?: readonly string[],
): Promise<FetchedSource[]> {
  const asked = new Set(uids);
  const byUid = new Map<number, Buffer>();
  const query = { uid: true, headers: fields ? [...fields] : true };
  const limit = headersLimit(session.messages, asked.size, fields !== undefined);
  for (const set of commandSets(uids)) {
    for await (const { uid, headers } of rowsInParts(session, set, query, limit)) {
      if (asked.has(uid) && headers && headers.length > 0) byUid.set(uid, headers);
    }
  }
  return [...byUid].map(([uid, source]) => ({ uid, source }));
}
