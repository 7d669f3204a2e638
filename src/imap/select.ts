import type { ImapFlow, ImapFlowError } from 'imapflow';
import { type MailboxSnapshot, NO_UIDVALIDITY } from '../domain/imap-types.ts';
import { MailtideError } from '../errors.ts';
import { responseCode } from './errors.ts';
import { countOf, modseqOf, objectIdOf, uidOf, uidValidityOf } from './field-values.ts';
import { isListed } from './list.ts';
import type { Opened } from './mailbox-commands.ts';
import type { ImapSession } from './session.ts';

/**
 * Selects a mailbox by SELECT, not EXAMINE: at each EXAMINE, Courier gives a mailbox that was never selected a new
 * UIDVALIDITY and new UIDs. Still, nothing is written, because STORE, EXPUNGE and CLOSE are never sent.
 */
export async function select(session: ImapSession, path: string): Promise<MailboxSnapshot> {
  // From here on, VANISHED belongs to the new mailbox. A failed SELECT leaves none selected (RFC 9051, 6.3.2).
  session.takeVanished();
  session.selected = null;
  session.selected = await session.command(async (client) => {
    const mailbox = await open(session, client, session.names.rawNameOf(path));
    // Yahoo sends HIGHESTMODSEQ although it lacks CONDSTORE.
    const hasModseqs = client.enabled.has('CONDSTORE') && !mailbox.noModseq;
    // Copied at once: imapflow raises highestModseq with every row that it reads.
    return {
      path,
      // Both are required (RFC 9051, 6.3.2), but some servers omit them.
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

/**
 * Opens a mailbox. Sets `mailboxMissing` on a refusal if LIST omits the mailbox: not every server sends a code for
 * that.
 */
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
