import type { SyncReceipt } from '../domain/receipt.ts';
import type { ImapConnection } from '../imap/connection.ts';
import { messagesAt } from '../store/mail/locations.ts';
import { deleteMailbox, storedMailboxes } from '../store/mail/mailboxes.ts';
import { tombstone } from '../store/mail/tombstone.ts';
import { recordProgressNow } from '../store/runs/record-progress.ts';
import type { Claim } from './claims.ts';
import type { SyncContext } from './context.ts';
import { type Discovery, discover } from './discover.ts';
import { enumerateMailbox, type MailboxPass } from './enumerate-mailbox.ts';
import { fetchBodies } from './fetch-bodies.ts';
import { takeReceipt, unchangedClaim } from './take-receipt.ts';

/** Tombstones in one transaction. */
const GONE_PER_TRANSACTION = 1000;

/**
 * Brings one account up to date, over one connection, phase by phase:
 *
 *   DISCOVERING  LIST and STATUS: which mailboxes there are, which are proven unchanged, how many messages to expect
 *   ENUMERATING  of each mailbox what is new (PENDING rows), changed and gone
 *   FETCHING     the bytes of all PENDING rows, newest first, INBOX first
 *   FINISHING    deletions, last of all: a message that moved is stored at its new place before it leaves the old one
 *
 * It may die at any point: each step is repeated by the next attempt from what the rows say.
 */
export async function runAccount(context: SyncContext): Promise<SyncReceipt> {
  const connection = await context.connect();
  try {
    const discovery = await discover(context, connection);
    const passes: MailboxPass[] = [];
    const claims = new Map<string, Claim>();
    for (const { stored, unchanged } of discovery.mailboxes) {
      if (unchanged) {
        claims.set(stored.id, unchangedClaim(stored, discovery.at));
        continue;
      }
      const pass = await enumerateMailbox(context, connection, stored);
      passes.push(pass);
      claims.set(stored.id, pass.claim);
    }
    await fetchAll(context, connection, discovery, passes, claims);
    await finish(context, discovery, passes);
    return await takeReceipt(context, [...claims.values()]);
  } finally {
    await connection.close();
  }
}

async function fetchAll(
  context: SyncContext,
  connection: ImapConnection,
  { mailboxes, vanished }: Discovery,
  passes: readonly MailboxPass[],
  claims: ReadonlyMap<string, Claim>,
): Promise<void> {
  const { pool, lease, publish } = context;
  const present = new Map((await storedMailboxes(pool, lease.accountId)).map((mailbox) => [mailbox.id, mailbox]));
  const waiting = mailboxes.map(({ stored }) => present.get(stored.id)!).filter((mailbox) => mailbox.pending > 0);
  const remaining = waiting.reduce((sum, mailbox) => sum + mailbox.pending, 0);
  // From here on the total is exact.
  publish(await recordProgressNow(pool, lease, { phase: 'FETCHING', mailbox: null, remaining }));
  if (remaining === 0) return;

  const onTheMove = new Set(passes.flatMap((pass) => pass.leaving));
  for (const mailbox of vanished) for (const id of await messagesAt(pool, mailbox.id, 'all')) onTheMove.add(id);
  for (const { id, path, generation, uidValidity } of waiting) {
    const ref = { id, path, generation, uidValidity: uidValidity! };
    await fetchBodies(context, connection, ref, onTheMove, claims.get(id)!.expunged);
  }
}

async function finish(
  { pool, lease, publish }: SyncContext,
  { vanished }: Discovery,
  passes: readonly MailboxPass[],
): Promise<void> {
  publish(await recordProgressNow(pool, lease, { phase: 'FINISHING', mailbox: null }));
  for (const { mailbox, gone, cursor } of passes) {
    if (!cursor) continue;
    const { generation } = mailbox;
    if (mailbox.hasOldGeneration) publish(await tombstone(pool, lease, mailbox, { before: generation }, null));
    let from = 0;
    for (; gone.length - from > GONE_PER_TRANSACTION; from += GONE_PER_TRANSACTION) {
      const uids = gone.slice(from, from + GONE_PER_TRANSACTION);
      publish(await tombstone(pool, lease, mailbox, { generation, uids }, null));
    }
    publish(await tombstone(pool, lease, mailbox, { generation, uids: gone.slice(from) }, cursor));
  }
  for (const mailbox of vanished) {
    publish(await tombstone(pool, lease, mailbox, 'all', null));
    publish(await deleteMailbox(pool, lease, mailbox));
  }
}
