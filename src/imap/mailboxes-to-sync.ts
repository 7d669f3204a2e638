import type { ListedMailbox } from '../domain/imap-types.ts';
import type { ImapServerFacts } from './connection.ts';

/** Gmail's mailboxes are labels. Together, these three contain each message exactly once. */
const GMAIL_MAILBOXES = new Set(['\\All', '\\Junk', '\\Trash']);

/** Mailboxes that users read first come first; those that they hardly read come last. */
const RANKS: Readonly<Record<string, number>> = { '\\Inbox': 0, '\\All': 1, '\\Sent': 2, '\\Junk': 4, '\\Trash': 5 };
const OTHER = 3;

/**
 * Returns the mailboxes of an account to sync, in order. For Gmail these are the three that contain everything, unless
 * the user's settings hide "All Mail" from IMAP. Otherwise, they are all selectable mailboxes.
 */
export function mailboxesToSync(
  mailboxes: readonly ListedMailbox[],
  server: Pick<ImapServerFacts, 'isGmail'>,
): ListedMailbox[] {
  const selectable = mailboxes.filter((mailbox) => mailbox.selectable);
  const hasAllMail = selectable.some((mailbox) => mailbox.specialUse === '\\All');
  const chosen =
    server.isGmail && hasAllMail
      ? selectable.filter((mailbox) => GMAIL_MAILBOXES.has(mailbox.specialUse ?? ''))
      : selectable;
  return sortForSync(chosen);
}

export function sortForSync(mailboxes: readonly ListedMailbox[]): ListedMailbox[] {
  return mailboxes.toSorted((a, b) => rank(a) - rank(b) || (a.path < b.path ? -1 : 1));
}

const rank = ({ path, specialUse }: ListedMailbox): number =>
  path.toUpperCase() === 'INBOX' ? 0 : (RANKS[specialUse ?? ''] ?? OTHER);
