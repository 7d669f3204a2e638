import { UidRanges } from '../domain/uid-ranges.ts';
import { MailtideError } from '../errors.ts';
import type { MailboxChanges } from './connection.ts';
import { fetchFlags } from './fetch-metadata.ts';
import type { ImapSession } from './session.ts';

/**
 * UID FETCH 1:`upTo` (FLAGS) (CHANGEDSINCE `since` [VANISHED]), RFC 7162 3.1.4.1 and 3.2.6.
 * Rejects if the mailbox has no mod-sequences: imapflow would fetch all flags instead.
 */
export async function fetchChanges(session: ImapSession, upTo: number, since: bigint): Promise<MailboxChanges> {
  if (upTo < 1) return { changed: [], vanished: new UidRanges() };
  if (since < 1n || !session.selected?.highestModseq) {
    throw new MailtideError('INTERNAL', { cause: new Error('changes asked of a mailbox without mod-sequences') });
  }
  session.takeVanishedEarlier();
  const changed = await fetchFlags(session, `1:${upTo}`, since);
  return {
    changed: changed.filter(({ uid }) => uid <= upTo),
    vanished: session.takeVanishedEarlier(),
  };
}
