import { commandSets } from './command-sets.ts';
import type { FetchedSource } from './connection.ts';
import type { ImapSession } from './session.ts';

/** BODY.PEEK[HEADER] of messages, or these fields of it. Rows may be missing. */
export async function fetchHeaders(
  session: ImapSession,
  uids: readonly number[],
  fields?: readonly string[],
): Promise<FetchedSource[]> {
  const byUid = new Map<number, Buffer>();
  for (const set of commandSets(uids)) {
    for await (const { uid, headers } of session.rows(set, { uid: true, headers: fields ? [...fields] : true })) {
      if (uid && headers && headers.length > 0) byUid.set(uid, headers);
    }
  }
  return [...byUid].map(([uid, source]) => ({ uid, source }));
}
