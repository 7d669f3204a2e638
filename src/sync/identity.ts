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

/** Metadata that distinguishes a message from another one without its bytes. */
export interface Recognisable {
  readonly size: number;
  readonly internalDate: Date | null;
}

/** Returns whether size and date match. A size of 0 is unknown and matches any. */
export const isAlike = (stored: SampledLocation, now: Recognisable): boolean =>
  (now.size === 0 || now.size === stored.size) && now.internalDate?.getTime() === stored.internalDate.getTime();

/** Messages in one command. */
const PER_COMMAND = 1000;

/**
 * Returns whether any UID now names another message than the stored one. A server must change UIDVALIDITY then
 * (RFC 9051, 2.3.1.1), but one that was restored from a backup does not.
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

/** If this many messages have the Message-ID stored for their UIDs, the UIDs are unchanged (isync's rule). */
const CONFIRMATIONS = 20;
/** The share of messages that suffices in a mailbox with fewer. */
const CONFIRMING_SHARE = 0.8;

/**
 * Returns whether UIDs still name the stored messages although UIDVALIDITY changed: no date or size contradicts it, and
 * enough Message-IDs confirm it.
 */
export async function uidsUnchanged(
  context: SyncContext,
  imap: ReconnectingConnection,
  mailbox: StoredMailbox,
  ref: MailboxRef,
): Promise<boolean> {
  const { pool } = context;
  const count = await countPresent(pool, ref, null);
  if (count === 0) return true;
  if (await uidsReassigned(context, imap, mailbox, ref)) return false;
  const stored = new Map(
    (await newestMessageIds(pool, mailbox, CONFIRMATIONS)).map(({ uid, messageIdHeader }) => [uid, messageIdHeader]),
  );
  const listed = await messageIdsOf(imap.connection, [...stored.keys()]);
  const isConfirmed = listed.every(({ uid, messageIdHeader }) => stored.get(uid) === messageIdHeader);
  return isConfirmed && listed.length >= Math.min(CONFIRMATIONS, count * CONFIRMING_SHARE);
}

/** Fetches the Message-IDs of those messages that have one, in the form in which they are stored. */
export async function messageIdsOf(
  connection: ImapConnection,
  uids: readonly number[],
): Promise<{ uid: number; messageIdHeader: string }[]> {
  return (await connection.fetchHeaders(uids, ['message-id'])).flatMap(({ uid, source }) => {
    const messageIdHeader = ownMessageId(toStorable(readHeaderFields(source).values.get('message-id') ?? ''));
    return messageIdHeader === null ? [] : [{ uid, messageIdHeader }];
  });
}
