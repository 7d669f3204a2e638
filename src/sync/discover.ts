import type { ListedMailbox } from '../domain/imap-types.ts';
import type { UnreadAnswers } from '../domain/receipt.ts';
import { MailtideError } from '../errors.ts';
import type { ImapConnection } from '../imap/connection.ts';
import { mailboxesToSync } from '../imap/mailboxes-to-sync.ts';
import {
  createMailboxes,
  renameMailboxes,
  type StoredMailbox,
  spellMailboxes,
  storedMailboxes,
} from '../store/mail/mailboxes.ts';
import { releaseQuarantined } from '../store/mail/quarantine.ts';
import { recordProgressNow } from '../store/runs/record-progress.ts';
import type { SyncContext } from './context.ts';
import { expectedMessages, isProvenUnchanged } from './plan.ts';
import { isConnectionBreak, type ReconnectingConnection } from './reconnecting-connection.ts';
import { findRenames } from './renames.ts';

/** No account has more messages, and the column cannot hold much more: STATUS may return any number. */
const MAX_EXPECTED = 1_000_000_000;

export interface Discovery {
  /** In the order in which they are synced. */
  readonly mailboxes: readonly { readonly stored: StoredMailbox; readonly unchanged: boolean }[];
  /** When the server answered. */
  readonly at: Date;
  /** Stored mailboxes that are gone from the server. */
  readonly vanished: readonly StoredMailbox[];
  /** Unreadable answers, which may hide mailboxes that are not in `mailboxes`. */
  readonly unread: UnreadAnswers;
}

/** Compares LIST and STATUS with the database: which mailboxes exist, which need work, and how many messages. */
export async function discover(context: SyncContext, imap: ReconnectingConnection): Promise<Discovery> {
  const { pool, lease, mode, publish } = context;
  publish(await recordProgressNow(pool, lease, { phase: 'DISCOVERING' }));
  await releaseQuarantined(pool, lease, context);
  const before = await storedMailboxes(pool, lease.accountId);
  for (const { path, rawName } of before) context.names.know(path, rawName);
  const listing = await listAll(context, imap, before);
  const { listed, unread } = listing;
  if (unread.count > 0) context.log.warn(unread, 'the server sent unreadable answers to LIST');
  const spelled = newlySpelled(before, listed);
  if (spelled.length > 0) await spellMailboxes(pool, lease, spelled);
  const at = new Date();
  const { known, vanished, unlisted } = await knownMailboxes(context, imap, before, listing);

  const created = listed.filter((mailbox) => !known.has(mailbox.path));
  const expected = listed.reduce(
    (sum, mailbox) => sum + expectedMessages(known.get(mailbox.path) ?? null, mailbox.status),
    0,
  );
  const remaining = Math.min(expected, MAX_EXPECTED);
  if (created.length > 0) {
    publish(await createMailboxes(pool, lease, created));
    const gone = new Set(vanished.map(({ id }) => id));
    for (const mailbox of await storedMailboxes(pool, lease.accountId)) {
      if (!gone.has(mailbox.id)) known.set(mailbox.path, mailbox);
    }
  }
  const shown = listed.map((mailbox) => {
    const stored = known.get(mailbox.path)!;
    return { stored, unchanged: isProvenUnchanged(stored, mailbox.status, mode, at) };
  });
  const mailboxes = [...shown, ...unlisted.map((stored) => ({ stored, unchanged: false }))];
  const unchanged = mailboxes.filter((mailbox) => mailbox.unchanged).length;
  publish(await recordProgressNow(pool, lease, { remaining, add: { mailboxesSynced: unchanged } }));
  return { mailboxes, vanished, unread, at };
}

/** Returns the known mailboxes whose names the server now spells differently. */
function newlySpelled(before: readonly StoredMailbox[], listed: readonly ListedMailbox[]): ListedMailbox[] {
  const known = new Map(before.map(({ path, rawName }) => [path, rawName]));
  return listed.filter(({ path, rawName }) => known.has(path) && known.get(path) !== rawName);
}

/**
 * Renames stored mailboxes that were renamed on the server. Returns the known mailboxes by current path, the vanished
 * ones, and the unlisted ones that may still exist.
 */
async function knownMailboxes(
  context: SyncContext,
  imap: ReconnectingConnection,
  before: readonly StoredMailbox[],
  listing: Listed,
): Promise<{ known: Map<string, StoredMailbox>; vanished: StoredMailbox[]; unlisted: StoredMailbox[] }> {
  const { pool, lease, publish, log } = context;
  const { listed } = listing;
  if (listed.length === 0 && before.length > 0) {
    throw new MailtideError('IMAP_INVALID_ANSWER', {
      message: 'The server lists no mailboxes, although it did before. Nothing is deleted; the next sync checks again.',
    });
  }
  const { renames, uncertain } = await findRenames(context, imap, before, listed);
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
  const missing = await confirmVanished(context, imap, missingFrom(here, listed), listing, uncertain);
  return {
    known: new Map([...here.map((mailbox) => [mailbox.path, mailbox] as const), ...renamed]),
    vanished: [...displaced, ...missing.vanished],
    unlisted: missing.unlisted,
  };
}

interface Listed {
  /** The mailboxes to sync, in that order. */
  readonly listed: readonly ListedMailbox[];
  /** The paths of all mailboxes that the server listed. */
  readonly names: ReadonlySet<string>;
  readonly unread: UnreadAnswers;
}

/**
 * Lists the mailboxes. If the connection breaks, it lists them again over a new one and without STATUS, which only
 * saves work: a server may fail on the STATUS of one mailbox.
 */
async function listAll(
  { log }: Pick<SyncContext, 'log'>,
  imap: ReconnectingConnection,
  stored: readonly StoredMailbox[],
): Promise<Listed> {
  try {
    return await listOver(imap.connection, stored, true);
  } catch (error) {
    if (!isConnectionBreak(error)) throw error;
    log.warn({ err: error }, 'the connection broke during LIST or STATUS');
    await imap.reconnect();
    return listOver(imap.connection, stored, false);
  }
}

/** Lists the mailboxes, twice if a stored one is missing: some servers return incomplete answers to LIST. */
async function listOver(
  connection: ImapConnection,
  stored: readonly StoredMailbox[],
  withStatus: boolean,
): Promise<Listed> {
  const first = await connection.list({ withStatus });
  const isWhole = missingFrom(stored, mailboxesToSync(first, connection.server)).length === 0;
  const all = isWhole ? first : [...first, ...(await connection.list({ withStatus }))];
  const byPath = new Map(all.map((mailbox) => [mailbox.path, mailbox]));
  const listed = mailboxesToSync([...byPath.values()], connection.server);
  return { listed, names: new Set(byPath.keys()), unread: connection.unread() };
}

/**
 * Separates the missing mailboxes that are gone from those that are not. A mailbox is gone if no LIST has its name and
 * the server refuses to open it, or if it is listed but no longer to be synced. An unlisted one is not gone while part
 * of the list is unreadable, or while it may have another name. A mailbox that is not gone is synced, listed or not.
 */
async function confirmVanished(
  { log }: SyncContext,
  imap: ReconnectingConnection,
  missing: readonly StoredMailbox[],
  { names, unread }: Listed,
  uncertain: ReadonlySet<StoredMailbox>,
): Promise<{ vanished: StoredMailbox[]; unlisted: StoredMailbox[] }> {
  const vanished: StoredMailbox[] = [];
  const unlisted: StoredMailbox[] = [];
  for (const mailbox of missing) {
    if (names.has(mailbox.path)) {
      vanished.push(mailbox);
      continue;
    }
    const mayExist = unread.count > 0 || uncertain.has(mailbox);
    if (mayExist || (await imap.attempt((connection) => opens(connection, mailbox.path))) !== false) {
      log.warn({ mailbox: mailbox.path }, 'a mailbox is not listed, but not proven to be deleted');
      unlisted.push(mailbox);
    } else {
      vanished.push(mailbox);
    }
  }
  return { vanished, unlisted };
}

async function opens(connection: ImapConnection, path: string): Promise<boolean> {
  try {
    await connection.select(path);
    return true;
  } catch (error) {
    // Only a refusal is about the mailbox.
    if (error instanceof MailtideError && error.code === 'IMAP_SERVER_REFUSED') return false;
    throw error;
  }
}

function missingFrom(stored: readonly StoredMailbox[], listed: readonly ListedMailbox[]): StoredMailbox[] {
  const paths = new Set(listed.map((mailbox) => mailbox.path));
  return stored.filter((mailbox) => !paths.has(mailbox.path));
}
