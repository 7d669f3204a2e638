import { searchLimit } from './answer-limits.ts';
import { toImapError } from './errors.ts';
import type { ImapSession } from './session.ts';

/** UID SEARCH UID `set`, ascending and without duplicates. */
export async function searchUids(session: ImapSession, set: string): Promise<number[]> {
  return session.command(async (client) => {
    const uids = await client.search({ uid: set }, { uid: true });
    if (Array.isArray(uids)) return uids;
    // imapflow returns `false` for a NO or BAD, undefined if no mailbox is selected, and [] for an empty answer.
    throw toImapError(refusal(session), 'command');
  }, searchLimit(session.messages));
}

function refusal({ lastAnswer }: ImapSession): Error {
  return Object.assign(new Error('SEARCH refused'), {
    responseStatus: lastAnswer?.response ?? 'NO',
    serverResponseCode: lastAnswer?.code,
  });
}
