import type { ListResponse, StatusObject } from 'imapflow';
import type { ListedMailbox, MailboxStatus } from '../domain/words.ts';
import { countOf, modseqOf, uidOf, uidValidityOf } from './field-values.ts';
import { sortForSync } from './mailboxes-to-sync.ts';
import type { ImapSession } from './session.ts';

/** LIST with STATUS of everything (RFC 5819 where the server has it), in the order of a sync. */
export async function list(session: ImapSession): Promise<ListedMailbox[]> {
  const entries = await session.command((client) =>
    client.list({
      statusQuery: { messages: true, unseen: true, uidNext: true, uidValidity: true, highestModseq: true },
    }),
  );
  // Some servers name a mailbox twice.
  const byPath = new Map(entries.map((entry) => [entry.path, listed(entry)]));
  return sortForSync([...byPath.values()]);
}

function listed({ path, delimiter, specialUse, flags, status }: ListResponse): ListedMailbox {
  const attributes = new Set([...flags].map((flag) => flag.toLowerCase()));
  return {
    path,
    delimiter: delimiter || null,
    specialUse: specialUse ?? null,
    selectable: !attributes.has('\\noselect') && !attributes.has('\\nonexistent'),
    status: known(status),
  };
}

/** imapflow has `false`, an object with an error or nothing for a STATUS that failed: that is unknown, not zero. */
function known(status: StatusObject | false | undefined): MailboxStatus | null {
  const messages = status ? countOf(status.messages) : null;
  if (!status || messages === null) return null;
  return {
    messages,
    unseen: countOf(status.unseen),
    uidNext: uidOf(status.uidNext),
    uidValidity: uidValidityOf(status.uidValidity),
    highestModseq: modseqOf(status.highestModseq),
  };
}
