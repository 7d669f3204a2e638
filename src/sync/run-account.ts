import { MailboxNames } from '../domain/mailbox-names.ts';
import type { SyncReceipt } from '../domain/receipt.ts';
import type { ImapConnection } from '../imap/connection.ts';
import { messagesAt } from '../store/mail/locations.ts';
import { deleteMailbox, type StoredMailbox, storedMailboxes } from '../store/mail/mailboxes.ts';
import { quarantineMailbox } from '../store/mail/quarantine-mailbox.ts';
import { tombstone } from '../store/mail/tombstone.ts';
import { recordProgressNow } from '../store/runs/record-progress.ts';
import type { SyncContext } from './context.ts';
import { type Discovery, discover } from './discover.ts';
import { enumerateMailbox, type MailboxPass } from './enumerate-mailbox.ts';
import { fetchBodies } from './fetch-bodies.ts';
import { type MailboxEvidence, MailboxQuarantined, unchangedEvidence } from './mailbox-evidence.ts';
import { PoisonMailboxes } from './poison-mailboxes.ts';
import { asOwnError, withoutEvidence } from './quarantine.ts';
import { recognise } from './recognise.ts';
import { ReconnectingConnection } from './reconnecting-connection.ts';
import { ResumingConnection } from './resuming-connection.ts';
import { takeReceipt } from './take-receipt.ts';

export type RunOptions = Omit<SyncContext, 'names' | 'connect'> & {
  readonly connect: (names: MailboxNames) => Promise<ImapConnection>;
};

/** Tombstones in one transaction. */
const GONE_PER_TRANSACTION = 1000;
/** Attempts to read a mailbox: the network may have caused the first break. */
const ATTEMPTS = 2;

/**
 * Brings one account up to date, over one connection, phase by phase:
 *
 *   DISCOVERING  finds by LIST and STATUS which mailboxes exist, which are unchanged, and how many messages to expect
 *   ENUMERATING  finds what is new (PENDING rows), changed and deleted in each mailbox
 *   FETCHING     fetches the bytes of all PENDING rows, newest first, INBOX first
 *   FINISHING    deletes, last of all: a message that moved is stored in its new mailbox before it leaves the old one
 *
 * The worker may die at any point: the next attempt repeats each step from the stored rows. A mailbox that the server
 * refuses to open or fails on is quarantined with a reason, and the others are synced.
 * @returns the receipt, to be stored when the run ends.
 */
export async function runAccount({ connect, ...given }: RunOptions): Promise<SyncReceipt> {
  const names = new MailboxNames();
  const context: SyncContext = {
    ...given,
    names,
    connect: () => ResumingConnection.open(() => connect(names), given.log),
  };
  const { step } = context;
  const imap = await ReconnectingConnection.open(context.connect);
  try {
    const discovery = await step('discover', {}, () => discover(context, imap));
    const all = discovery.mailboxes.map(({ stored }) => stored);
    const breaking = new PoisonMailboxes(context, imap, all);
    const { passes, evidenceOf } = await enumerateAll(context, imap, breaking, discovery);
    await fetchAll(context, imap, breaking, discovery, passes, evidenceOf);
    await step('finish', {}, () => finish(context, discovery, passes, evidenceOf));
    return await step('prove', {}, () => takeReceipt(context, [...evidenceOf.values()], discovery.unread));
  } finally {
    await imap.close();
  }
}

/** The evidence of each mailbox, by its id. */
type EvidenceById = Map<string, MailboxEvidence>;

async function enumerateAll(
  context: SyncContext,
  imap: ReconnectingConnection,
  breaking: PoisonMailboxes,
  { mailboxes, at }: Discovery,
): Promise<{ passes: MailboxPass[]; evidenceOf: EvidenceById }> {
  const passes: MailboxPass[] = [];
  const evidenceOf: EvidenceById = new Map();
  const isQuarantined = ({ retryAt }: StoredMailbox): boolean =>
    context.mode !== 'FULL' && retryAt !== null && retryAt > new Date();
  // If all mailboxes are quarantined, skipping them would save nothing.
  const hasOthers = mailboxes.some(({ stored }) => !isQuarantined(stored));
  let failure: unknown;
  try {
    for (const { stored, unchanged } of mailboxes) {
      if (unchanged) {
        evidenceOf.set(stored.id, unchangedEvidence(stored, at));
        continue;
      }
      try {
        if (hasOthers && isQuarantined(stored)) throw new MailboxQuarantined('MAILBOX_BREAKS');
        const facts = { mailboxId: stored.id };
        const pass = await breaking.read(stored, ATTEMPTS, async (attempt) => {
          const mailbox = attempt === 1 ? stored : await storedMailbox(context, stored.id);
          return context.step('enumerate', facts, () => enumerateMailbox(context, imap, mailbox));
        });
        passes.push(pass);
        evidenceOf.set(stored.id, pass.evidence);
      } catch (error) {
        failure = error;
        evidenceOf.set(stored.id, withoutEvidence(context, unchangedEvidence(stored, new Date()), error));
      }
    }
  } finally {
    // If the server opens no mailbox at all, none of them is to blame.
    if (passes.length > 0) for (const id of breaking.found) await quarantineMailbox(context.pool, context.lease, id);
  }
  // If no mailbox can be read, the cause is not the mailboxes.
  if (failure && [...evidenceOf.values()].every(({ refusal }) => refusal)) throw asOwnError(failure);
  return { passes, evidenceOf };
}

/** Reads a mailbox again: an attempt that broke may have begun a new generation. */
async function storedMailbox({ pool, lease }: SyncContext, id: string): Promise<StoredMailbox> {
  return (await storedMailboxes(pool, lease.accountId)).find((mailbox) => mailbox.id === id)!;
}

async function fetchAll(
  context: SyncContext,
  imap: ReconnectingConnection,
  breaking: PoisonMailboxes,
  { mailboxes, vanished }: Discovery,
  passes: readonly MailboxPass[],
  evidenceOf: EvidenceById,
): Promise<void> {
  const { pool, lease, publish } = context;
  const present = new Map((await storedMailboxes(pool, lease.accountId)).map((mailbox) => [mailbox.id, mailbox]));
  const waiting = mailboxes
    .map(({ stored }) => present.get(stored.id)!)
    .filter(({ id, pending }) => pending > 0 && !evidenceOf.get(id)!.refusal);
  const remaining = waiting.reduce((sum, mailbox) => sum + mailbox.pending, 0);
  // From here on, the total is exact.
  publish(await recordProgressNow(pool, lease, { phase: 'FETCHING', mailbox: null, remaining }));
  if (remaining === 0) return;

  const movingMessageIds = new Set(passes.flatMap((pass) => pass.leaving));
  for (const mailbox of vanished) for (const id of await messagesAt(pool, mailbox.id, 'all')) movingMessageIds.add(id);
  const refs = new Map(passes.map(({ ref }) => [ref.id, ref]));
  let failure: unknown;
  for (const { id, path, generation, uidValidity } of waiting) {
    const evidence = evidenceOf.get(id)!;
    try {
      const ref = refs.get(id) ?? { id, path, generation, uidValidity: uidValidity! };
      // Twice, because the mailbox before it may have left the connection broken.
      await breaking.read(ref, ATTEMPTS, async () => {
        await recognise(context, imap, ref, movingMessageIds);
        await imap.select(ref);
      });
      // Once, because fetchBodies has already established that no single message is to blame.
      await breaking.read(ref, 1, () =>
        context.step('fetch', { mailboxId: id }, () =>
          fetchBodies(context, imap, ref, movingMessageIds, evidence.expunged),
        ),
      );
    } catch (error) {
      failure = error;
      evidenceOf.set(id, withoutEvidence(context, evidence, error));
    }
  }
  const isQuarantine = failure instanceof MailboxQuarantined;
  if (failure && !isQuarantine && waiting.every(({ id }) => evidenceOf.get(id)!.refusal)) throw asOwnError(failure);
}

async function finish(
  { pool, lease, publish }: SyncContext,
  { vanished }: Discovery,
  passes: readonly MailboxPass[],
  evidenceOf: EvidenceById,
): Promise<void> {
  publish(await recordProgressNow(pool, lease, { phase: 'FINISHING', mailbox: null }));
  for (const { mailbox, gone, cursor } of passes) {
    // A mailbox that was quarantined meanwhile keeps its stored state: the next pass reads all of it again.
    if (!cursor || evidenceOf.get(mailbox.id)!.refusal) continue;
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
