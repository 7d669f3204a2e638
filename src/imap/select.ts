import type { MailboxSnapshot } from '../domain/words.ts';
import { MailtideError } from '../errors.ts';
import type { ImapSession } from './session.ts';

/**
 * SELECT, not EXAMINE: Courier gives a mailbox that was never selected a new UIDVALIDITY at each EXAMINE, and keeps
 * none of the UIDs. Nothing is written all the same: no STORE, no EXPUNGE, no CLOSE.
 */
export async function select(session: ImapSession, path: string): Promise<MailboxSnapshot> {
  // What vanished from here on belongs to the new view, and a failed SELECT leaves nothing selected (RFC 9051, 6.3.2).
  session.takeVanished();
  session.selected = null;
  const snapshot = await session.command(async (client) => {
    const mailbox = await client.mailboxOpen(path);
    // Yahoo shows a HIGHESTMODSEQ without having CONDSTORE.
    const hasModseqs = client.enabled.has('CONDSTORE') && !mailbox.noModseq;
    // Copied before anything else can happen: imapflow raises highestModseq with every row that it sees.
    return {
      path,
      uidValidity: mailbox.uidValidity as bigint | undefined,
      uidNext: mailbox.uidNext ?? null,
      exists: mailbox.exists as number | undefined,
      highestModseq: (hasModseqs && mailbox.highestModseq) || null,
      mailboxId: (mailbox as { mailboxId?: string }).mailboxId || null,
    };
  });
  const { uidValidity, exists } = snapshot;
  // Both are required (RFC 9051, 6.3.2); without the first no UID means anything.
  if (uidValidity === undefined || exists === undefined) throw new MailtideError('IMAP_INVALID_ANSWER');
  session.selected = { ...snapshot, uidValidity, exists };
  return session.selected;
}
