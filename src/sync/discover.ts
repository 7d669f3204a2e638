import type { ListedMailbox } from '../domain/words.ts';
import { MailtideError } from '../errors.ts';
import type { ImapConnection } from '../imap/connection.ts';
import { mailboxesToSync } from '../imap/mailboxes-to-sync.ts';
import { createMailboxes, renameMailboxes, type StoredMailbox, storedMailboxes } from '../store/mail/mailboxes.ts';
import { releaseQuarantined } from '../store/mail/quarantine.ts';
import { recordProgressNow } from '../store/runs/record-progress.ts';
import type { SyncContext } from './context.ts';
import { expectedMessages, isProvenUnchanged } from './plan.ts';
import { findRenames } from './renames.ts';

export interface Discovery {
  /** In the order in which they are synced. */
  readonly mailboxes: readonly { readonly stored: StoredMailbox; readonly unchanged: boolean }[];
  /** When the server said it. */
  readonly at: Date;
  /** Known to us, gone from the server. */
  readonly vanished: readonly StoredMailbox[];
}

/** LIST and STATUS against what is stored: which mailboxes there are, which need work, how much work that is. */
export async function discover(context: SyncContext, connection: ImapConnection): Promise<Discovery> {
  const { pool, lease, mode, publish } = context;
  publish(await recordProgressNow(pool, lease, { phase: 'DISCOVERING' }));
  await releaseQuarantined(pool, lease, context);
  const before = await storedMailboxes(pool, lease.accountId);
  const listed = mailboxesToSync(await connection.list(), connection.server);
  const at = new Date();
  const { known, vanished } = await knownMailboxes(context, connection, before, listed);

  const created = listed.filter((mailbox) => !known.has(mailbox.path));
  const remaining = listed.reduce(
    (sum, mailbox) => sum + expectedMessages(known.get(mailbox.path) ?? null, mailbox.status),
    0,
  );
  if (created.length > 0) {
    publish(await createMailboxes(pool, lease, created));
    const gone = new Set(vanished.map(({ id }) => id));
    for (const mailbox of await storedMailboxes(pool, lease.accountId)) {
      if (!gone.has(mailbox.id)) known.set(mailbox.path, mailbox);
    }
  }
  const mailboxes = listed.map((mailbox) => {
    const stored = known.get(mailbox.path)!;
    return { stored, unchanged: isProvenUnchanged(stored, mailbox.status, mode, at) };
  });
  const unchanged = mailboxes.filter((mailbox) => mailbox.unchanged).length;
  publish(await recordProgressNow(pool, lease, { remaining, add: { mailboxesSynced: unchanged } }));
  return { mailboxes, vanished, at };
}

/** What is stored by the name that it has now, and what has none any more. */
async function knownMailboxes(
  context: SyncContext,
  connection: ImapConnection,
  before: readonly StoredMailbox[],
  listed: readonly ListedMailbox[],
): Promise<{ known: Map<string, StoredMailbox>; vanished: StoredMailbox[] }> {
  const { pool, lease, publish, log } = context;
  if (listed.length === 0 && before.length > 0) {
    throw new MailtideError('IMAP_INVALID_ANSWER', {
      message: 'The server lists no mailboxes, although there were some: nothing is deleted before it does.',
    });
  }
  const renames = await findRenames(context, connection, before, listed);
  if (renames.length > 0) {
    log.info({ renames: renames.length }, 'mailboxes renamed');
    publish(await renameMailboxes(pool, lease, renames));
  }
  const renamed = new Map(renames.map(({ mailbox, listed: { path } }) => [path, { ...mailbox, path }]));
  const moved = new Set(renames.map(({ mailbox }) => mailbox));
  const stayed = before.filter((mailbox) => !moved.has(mailbox));
  // A name may have been taken over from a mailbox that was deleted.
  const displaced = stayed.filter(({ path }) => renamed.has(path));
  const here = stayed.filter(({ path }) => !renamed.has(path));
  return {
    known: new Map([...here.map((mailbox) => [mailbox.path, mailbox] as const), ...renamed]),
    vanished: [...displaced, ...(await confirmVanished(connection, here, listed))],
  };
}

/** A mailbox is gone only when two LISTs agree: servers have been seen to answer one short. */
async function confirmVanished(
  connection: ImapConnection,
  stored: readonly StoredMailbox[],
  listed: readonly ListedMailbox[],
): Promise<StoredMailbox[]> {
  const missing = missingFrom(stored, listed);
  if (missing.length === 0) return [];
  return missingFrom(missing, mailboxesToSync(await connection.list(), connection.server));
}

function missingFrom(stored: readonly StoredMailbox[], listed: readonly ListedMailbox[]): StoredMailbox[] {
  const paths = new Set(listed.map((mailbox) => mailbox.path));
  return stored.filter((mailbox) => !paths.has(mailbox.path));
}
