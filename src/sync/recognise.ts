import { adopt, type KnownAt, knownByEmailId, knownByHeader, likeLeaving } from '../store/mail/adopt.ts';
import type { MailboxRef } from '../store/mail/locations.ts';
import type { SyncContext } from './context.ts';
import { messageIdsOf } from './identity.ts';
import type { ReconnectingConnection } from './reconnecting-connection.ts';

const PER_TRANSACTION = 1000;

/**
 * Finds PENDING messages that are already stored, so that their bytes are not fetched again. It recognises them by
 * their EMAILID. Those that are leaving another mailbox or an old generation are also recognised by Message-ID, size
 * and date, if these match only one message. All others are fetched, and recognised by their bytes.
 */
export async function recognise(
  context: SyncContext,
  imap: ReconnectingConnection,
  ref: MailboxRef,
  movingMessageIds: ReadonlySet<string>,
): Promise<void> {
  const { pool } = context;
  const { capabilities } = imap.connection.server;
  if (capabilities.includes('OBJECTID') || capabilities.includes('X-GM-EXT-1')) {
    await adoptAll(context, ref, await knownByEmailId(pool, ref), movingMessageIds);
  }
  if (movingMessageIds.size === 0) return;
  const leaving = [...movingMessageIds];
  const alike = await likeLeaving(pool, ref, leaving);
  if (alike.length === 0) return;
  const { uidValidity } = await imap.connection.select(ref.path);
  if (uidValidity !== ref.uidValidity) return;
  const headers = await messageIdsOf(imap.connection, alike);
  await adoptAll(context, ref, await knownByHeader(pool, ref, leaving, headers), movingMessageIds);
}

async function adoptAll(
  { pool, lease, publish }: SyncContext,
  ref: MailboxRef,
  known: readonly KnownAt[],
  movingMessageIds: ReadonlySet<string>,
): Promise<void> {
  for (let from = 0; from < known.length; from += PER_TRANSACTION) {
    publish(await adopt(pool, lease, ref, known.slice(from, from + PER_TRANSACTION), movingMessageIds));
  }
}
