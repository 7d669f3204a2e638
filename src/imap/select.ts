import type { ImapFlow, ImapFlowError } from 'imapflow';
import { type MailboxSnapshot, NO_UIDVALIDITY } from '../domain/imap-types.ts';
import { MailtideError } from '../errors.ts';
import { responseCode } from './errors.ts';
import { countOf, modseqOf, objectIdOf, uidOf, uidValidityOf } from './field-values.ts';
import { isListed } from './list.ts';
import type { Opened } from './mailbox-commands.ts';
import type { ImapSession } from './session.ts';

/**
 * SELECT, not EXAMINE: Courier gives a mailbox that was never selected a new UIDVALIDITY at each EXAMINE, and keeps
 * none of the UIDs. Nothing is written all the same: no STORE, no EXPUNGE, no CLOSE.
 */
export async function select(session: ImapSession, path: string): Promise<MailboxSnapshot> {
  // What vanished from here on belongs to the new view, and a failed SELECT leaves nothing selected (RFC 9051, 6.3.2).
  session.takeVanished();
  session.selected = null;
  session.selected = await session.command(async (client) => {
    const mailbox = await open(session, client, session.names.rawNameOf(path));
    // Yahoo shows a HIGHESTMODSEQ without having CONDSTORE.
    const hasModseqs = client.enabled.has('CONDSTORE') && !mailbox.noModseq;
    // Copied before anything else can happen: imapflow raises highestModseq with every row that it sees.
    return {
      path,
      // Both are required (RFC 9051, 6.3.2), and left out all the same.
      uidValidity: uidValidityOf(mailbox.uidValidity) ?? NO_UIDVALIDITY,
      exists: countOf(mailbox.exists),
      uidNext: uidOf(mailbox.uidNext),
      highestModseq: hasModseqs ? modseqOf(mailbox.highestModseq) : null,
      mailboxId: objectIdOf((mailbox as { mailboxId?: unknown }).mailboxId),
    };
  });
  if (session.selected.exists !== null && session.selected.exists > session.limits.mailboxMessages) {
    throw new MailtideError('IMAP_ANSWER_TOO_LARGE');
  }
  return session.selected;
}

/** A refusal says `mailboxMissing` where the mailbox is not there any more: not every server has a code for that. */
async function open(session: ImapSession, client: ImapFlow, rawName: string): Promise<Opened> {
  try {
    return await session.openMailbox(rawName);
  } catch (error) {
    const refusal = error as ImapFlowError;
    if (refusal.responseStatus === 'NO' && responseCode(refusal) === '') {
      refusal.mailboxMissing = !(await isListed(session, client, rawName));
    }
    throw error;
  }
}
