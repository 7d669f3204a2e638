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
import { takeReceipt } from './take-receipt.ts';

export type RunOptions = Omit<SyncContext, 'names' | 'connect'> & {
  readonly connect: (names: MailboxNames) => Promise<ImapConnection>;
};

/** Tombstones in one transaction. */
const GONE_PER_TRANSACTION = 1000;
/** Over a connection that broke over a mailbox once it may have been the line. */
const ATTEMPTS = 2;

/**
 * Brings one account up to date, over one connection, phase by phase:
 *
 *   DISCOVERING  LIST and STATUS: which mailboxes there are, which are proven unchanged, how many messages to expect
 *   ENUMERATING  of each mailbox what is new (PENDING rows), changed and gone
 *   FETCHING     the bytes of all PENDING rows, newest first, INBOX first
 *   FINISHING    deletions, last of all: a message that moved is stored at its new place before it leaves the old one
 *
 * It may die at any point: each step is repeated by the next attempt from what the rows say. A mailbox that the server
 * does not let be read is set aside with its reason, and the others go on.
 * @returns what the run proved, to be stored when it ends.
 */
export async function runAccount({ connect, ...given }: RunOptions): Promise<SyncReceipt> {
  const names = new MailboxNames();
  const context: SyncContext = { ...given, names, connect: () => connect(names) };
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

/** What may be claimed of each mailbox, by its id. */
type EvidenceById = Map<string, MailboxEvidence>;

async function enumerateAll(
  context: SyncContext,
  imap: ReconnectingConnection,
  breaking: PoisonMailboxes,
  { mailboxes, at }: Discovery,
): Promise<{ passes: MailboxPass[]; evidenceOf: EvidenceById }> {
  const passes: MailboxPass[] = [];
  const evidenceOf: EvidenceById = new Map();
  const isLeftAlone = ({ retryAt }: StoredMailbox): boolean =>
    context.mode !== 'FULL' && retryAt !== null && retryAt > new Date();
  // Where all of them wait there is nothing to be gained by waiting.
  const othersWait = mailboxes.some(({ stored }) => !isLeftAlone(stored));
  let failure: unknown;
  try {
    for (const { stored, unchanged } of mailboxes) {
      if (unchanged) {
        evidenceOf.set(stored.id, unchangedEvidence(stored, at));
        continue;
      }
      try {
        if (othersWait && isLeftAlone(stored)) throw new MailboxQuarantined('MAILBOX_BREAKS');
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
    // Of a server that shows no mailbox at all, none is to blame.
    if (passes.length > 0) for (const id of breaking.found) await quarantineMailbox(context.pool, context.lease, id);
  }
  // When no mailbox at all can be read, it is not the mailboxes.
  if (failure && [...evidenceOf.values()].every(({ refusal }) => refusal)) throw asOwnError(failure);
  return { passes, evidenceOf };
}

/** As it is stored now: an attempt that broke may have begun a new generation. */
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
  // From here on the total is exact.
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
      // Again, because the mailbox before it may have left the connection broken.
      await breaking.read(ref, ATTEMPTS, async () => {
        await recognise(context, imap, ref, movingMessageIds);
        await imap.select(ref);
      });
      // Once: fetchBodies has found out already that no single message is to blame.
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
  const isItsOwn = failure instanceof MailboxQuarantined;
  if (failure && !isItsOwn && waiting.every(({ id }) => evidenceOf.get(id)!.refusal)) throw asOwnError(failure);
}

async function finish(
  { pool, lease, publish }: SyncContext,
  { vanished }: Discovery,
  passes: readonly MailboxPass[],
  evidenceOf: EvidenceById,
): Promise<void> {
  publish(await recordProgressNow(pool, lease, { phase: 'FINISHING', mailbox: null }));
  for (const { mailbox, gone, cursor } of passes) {
    // Of one that was set aside meanwhile, what is stored stays as it is: the next pass looks at all of it again.
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
