import type { ListedMailbox } from '../domain/words.ts';
import { MailtideError } from '../errors.ts';
import type { ImapConnection } from '../imap/connection.ts';
import { mailboxesToSync } from '../imap/mailboxes-to-sync.ts';
import { createMailboxes, type StoredMailbox, storedMailboxes } from '../store/mail/mailboxes.ts';
import { recordProgressNow } from '../store/runs/record-progress.ts';
import type { SyncContext } from './context.ts';
import { expectedMessages, isProvenUnchanged } from './plan.ts';

export interface Discovery {
  /** In the order in which they are synced. */
  readonly mailboxes: readonly { readonly stored: StoredMailbox; readonly unchanged: boolean }[];
  /** Known to us, gone from the server. */
  readonly vanished: readonly StoredMailbox[];
}

/** LIST and STATUS against what is stored: which mailboxes there are, which need work, how much work that is. */
export async function discover(context: SyncContext, connection: ImapConnection): Promise<Discovery> {
  const { pool, lease, mode, publish } = context;
  publish(await recordProgressNow(pool, lease, { phase: 'DISCOVERING' }));
  const before = await storedMailboxes(pool, lease.accountId);
  const { listed, vanished } = await listAgainst(context, connection, before);

  const known = new Map(before.map((mailbox) => [mailbox.path, mailbox]));
  const created = listed.filter((mailbox) => !known.has(mailbox.path));
  const remaining = listed.reduce(
    (sum, mailbox) => sum + expectedMessages(known.get(mailbox.path) ?? null, mailbox.status),
    0,
  );
  if (created.length > 0) {
    publish(await createMailboxes(pool, lease, created));
    for (const mailbox of await storedMailboxes(pool, lease.accountId)) known.set(mailbox.path, mailbox);
  }
  const mailboxes = listed.map((mailbox) => {
    const stored = known.get(mailbox.path)!;
    return { stored, unchanged: isProvenUnchanged(stored, mailbox.status, mode) };
  });
  const unchanged = mailboxes.filter((mailbox) => mailbox.unchanged).length;
  publish(await recordProgressNow(pool, lease, { remaining, add: { mailboxesSynced: unchanged } }));
  return { mailboxes, vanished };
}

/**
 * What the server lists, and what of the stored it has no more. Servers have been seen to answer a LIST short, so a
 * mailbox is gone only when a second LIST lacks it too and it cannot be opened.
 */
async function listAgainst(
  { log }: SyncContext,
  connection: ImapConnection,
  stored: readonly StoredMailbox[],
): Promise<{ listed: readonly ListedMailbox[]; vanished: readonly StoredMailbox[] }> {
  const first = await connection.list();
  const listed = mailboxesToSync(first, connection.server);
  const missing = missingFrom(stored, listed);
  if (missing.length === 0) return { listed, vanished: [] };
  if (listed.length === 0) {
    throw new MailtideError('IMAP_INVALID_ANSWER', {
      message: 'The server lists no mailboxes, although there were some: nothing is deleted before it does.',
    });
  }
  const both = new Map([...first, ...(await connection.list())].map((mailbox) => [mailbox.path, mailbox]));
  const together = mailboxesToSync([...both.values()], connection.server);
  const vanished: StoredMailbox[] = [];
  for (const mailbox of missingFrom(missing, together)) {
    if (!both.has(mailbox.path) && (await opens(connection, mailbox.path))) {
      log.warn({ mailbox: mailbox.path }, 'a mailbox that is not listed can be opened: nothing of it is deleted');
    } else {
      vanished.push(mailbox);
    }
  }
  return { listed: together, vanished };
}

async function opens(connection: ImapConnection, path: string): Promise<boolean> {
  try {
    await connection.select(path);
    return true;
  } catch (error) {
    // Anything but a refusal says nothing of the mailbox.
    if (error instanceof MailtideError && error.code === 'IMAP_SERVER_REFUSED') return false;
    throw error;
  }
}

function missingFrom(stored: readonly StoredMailbox[], listed: readonly ListedMailbox[]): StoredMailbox[] {
  const paths = new Set(listed.map((mailbox) => mailbox.path));
  return stored.filter((mailbox) => !paths.has(mailbox.path));
}
