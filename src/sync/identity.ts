import { toStorable } from '../domain/storable-text.ts';
import type { ImapConnection } from '../imap/connection.ts';
import { readHeaderFields } from '../mime/header-fields.ts';
import { ownMessageId } from '../mime/message-ids.ts';
import { countPresent, type MailboxRef, presentUids } from '../store/mail/locations.ts';
import type { StoredMailbox } from '../store/mail/mailboxes.ts';
import { locationsAmong, newestMessageIds, type SampledLocation } from '../store/mail/sample-locations.ts';
import { askMetadata } from './ask-metadata.ts';
import type { SyncContext } from './context.ts';
import type { ReconnectingConnection } from './reconnecting-connection.ts';

/** What a message can be told from another one by, without its bytes. */
export interface Recognisable {
  readonly size: number;
  readonly internalDate: Date | null;
}

/** A size of 0 is one that is not known. */
export const isAlike = (stored: SampledLocation, now: Recognisable): boolean =>
  (now.size === 0 || now.size === stored.size) && now.internalDate?.getTime() === stored.internalDate.getTime();

/** Messages looked at with one command. */
const PER_COMMAND = 1000;

/**
 * Whether a UID names another message than the one that is stored for it. A server must give such UIDs another
 * UIDVALIDITY (RFC 9051, 2.3.1.1); one that was set back to a backup does not.
 */
export async function uidsReassigned(
  { pool }: SyncContext,
  imap: ReconnectingConnection,
  mailbox: StoredMailbox,
  ref: MailboxRef,
): Promise<boolean> {
  const uids = await presentUids(pool, mailbox, 1);
  for (let from = 0; from < uids.length; from += PER_COMMAND) {
    const locations = await locationsAmong(pool, mailbox, uids.slice(from, from + PER_COMMAND));
    const stored = new Map(locations.map((location) => [location.uid, location]));
    const silent = new Set(stored.keys());
    let isOther = false;
    await askMetadata(imap, ref, silent, async (rows) => {
      for await (const row of rows) {
        silent.delete(row.uid);
        isOther ||= !isAlike(stored.get(row.uid)!, row);
      }
    });
    if (isOther) return true;
  }
  return false;
}

/** So many messages with the Message-ID that is stored for their UIDs say that UIDs mean what they meant (isync's rule). */
const CONFIRMATIONS = 20;
/** In a mailbox with fewer messages this share of them. */
const CONFIRMING_SHARE = 0.8;

/**
 * Whether UIDs name the messages that are stored for them, although UIDVALIDITY is another one: no date and no size
 * contradicts, and enough Message-IDs confirm it.
 */
export async function uidsUnchanged(
  context: SyncContext,
  imap: ReconnectingConnection,
  mailbox: StoredMailbox,
  ref: MailboxRef,
): Promise<boolean> {
  const { pool } = context;
  const live = await countPresent(pool, ref, null);
  if (live === 0) return true;
  if (await uidsReassigned(context, imap, mailbox, ref)) return false;
  const stored = new Map(
    (await newestMessageIds(pool, mailbox, CONFIRMATIONS)).map(({ uid, messageIdHeader }) => [uid, messageIdHeader]),
  );
  const there = await messageIdsOf(imap.connection, [...stored.keys()]);
  const isConfirmed = there.every(({ uid, messageIdHeader }) => stored.get(uid) === messageIdHeader);
  return isConfirmed && there.length >= Math.min(CONFIRMATIONS, live * CONFIRMING_SHARE);
}

/** The Message-IDs of messages, of those that have one, as they are stored. */
export async function messageIdsOf(
  connection: ImapConnection,
  uids: readonly number[],
): Promise<{ uid: number; messageIdHeader: string }[]> {
  return (await connection.fetchHeaders(uids, ['message-id'])).flatMap(({ uid, source }) => {
    const messageIdHeader = ownMessageId(toStorable(readHeaderFields(source).values.get('message-id') ?? ''));
    return messageIdHeader === null ? [] : [{ uid, messageIdHeader }];
  });
}
