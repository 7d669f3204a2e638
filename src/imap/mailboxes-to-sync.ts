import type { ListedMailbox } from '../domain/imap-types.ts';
import type { ImapServerFacts } from './connection.ts';

/** Gmail's mailboxes are labels: these three have every message, and each once. */
const GMAIL_MAILBOXES = new Set(['\\All', '\\Junk', '\\Trash']);

/** What people look at first comes first; what they hardly look at comes last. */
const RANKS: Readonly<Record<string, number>> = { '\\Inbox': 0, '\\All': 1, '\\Sent': 2, '\\Junk': 4, '\\Trash': 5 };
const OTHER = 3;

/**
 * The mailboxes of an account that are synced, in order. Of Gmail those that hold everything, unless its "All Mail" is
 * hidden from IMAP by the user's settings; of all others every mailbox that can be selected.
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
