import { type MailboxSnapshot, NO_UIDVALIDITY } from '../domain/imap-types.ts';
import { PLAN_REASONS } from '../domain/plan-reasons.ts';
import { dropPending, type MailboxRef, messagesAt } from '../store/mail/locations.ts';
import { beginGeneration, finishPass, type MailboxCursor, type StoredMailbox } from '../store/mail/mailboxes.ts';
import { recordPlan } from '../store/runs/record-plan.ts';
import { recordProgressNow } from '../store/runs/record-progress.ts';
import { addNew } from './add-new.ts';
import { changedFlags } from './changed-flags.ts';
import { compareFlags, type FlagComparison } from './compare-flags.ts';
import { compareSets } from './compare-sets.ts';
import type { SyncContext } from './context.ts';
import { nextCursor } from './cursor.ts';
import { uidsReassigned, uidsUnchanged } from './identity.ts';
import { type MailboxEvidence, MailboxQuarantined } from './mailbox-evidence.ts';
import { NEW_GENERATION, type PassPlan, planPass, SAME_GENERATION } from './plan.ts';
import type { ReconnectingConnection } from './reconnecting-connection.ts';

/**
 * A pass over one mailbox, complete except for its deletions: these wait until the new mail of all mailboxes is stored.
 */
export interface MailboxPass {
  readonly mailbox: StoredMailbox;
  readonly ref: MailboxRef;
  readonly gone: readonly number[];
  /** Null if it is already committed, because nothing is gone. */
  readonly cursor: MailboxCursor | null;
  /** Messages at the UIDs that are gone: they have moved or are deleted. */
  readonly leaving: readonly string[];
  readonly evidence: MailboxEvidence;
}

/**
 * Enumerates a mailbox: adds a PENDING location for each new message, stores changed flags, and finds the deleted
 * messages. The order is that of RFC 7162 clients: snapshot at SELECT, new UIDs by UID alone, changes by mod-sequence,
 * deletions by comparing sets. The cursor moves last.
 * @throws MailboxQuarantined if the server contradicts itself about this mailbox; none of its answers is believed then.
 */
export async function enumerateMailbox(
  context: SyncContext,
  imap: ReconnectingConnection,
  stored: StoredMailbox,
): Promise<MailboxPass> {
  const { pool, lease, publish, log, mode } = context;
  const snapshot = await open(imap, stored);
  const at = new Date();
  imap.connection.takeVanished();
  let mailbox = stored;
  let plan = planPass(stored, snapshot, mode, at);
  const uidValidity = snapshot.uidValidity;
  if (plan.doubtsReset && (await uidsUnchanged(context, imap, stored, { ...stored, uidValidity }))) {
    plan = SAME_GENERATION;
    log.warn({ mailbox: stored.path, before: stored.uidValidity, now: uidValidity }, PLAN_REASONS[plan.reason]);
  }
  if (plan.checkIdentity && (await uidsReassigned(context, imap, stored, { ...stored, uidValidity }))) {
    plan = { ...NEW_GENERATION, reason: 'UIDS_REASSIGNED' };
    log.warn({ mailbox: stored.path }, PLAN_REASONS[plan.reason]);
  }
  log.debug({ mailbox: stored.path, ...plan }, 'mailbox pass');
  await recordPlan(pool, lease, stored.path, plan.reason);

  if (plan.newGeneration) {
    publish(await beginGeneration(pool, lease, stored, snapshot));
    const reset = { enumeratedUpTo: 0n, highestModseq: null, flagSweepUid: 0n, hasOldGeneration: true };
    mailbox = { ...stored, ...reset, generation: stored.generation + 1 };
  }
  const { id, path, generation } = mailbox;
  const ref: MailboxRef = { id, path, generation, uidValidity };
  publish(await recordProgressNow(pool, lease, { phase: 'ENUMERATING', mailbox: path }));

  const highest = Number(mailbox.enumeratedUpTo);
  const added = await addNew(context, imap, ref, highest);
  const changes = await changedFlags(context, imap.connection, ref, mailbox, plan);
  const sets = await compareSets(context, imap, ref, snapshot, {
    added,
    vanished: [changes.vanished, imap.connection.takeVanished()],
    compareAll: plan.wholeSet,
  });
  // A message that was never fetched cannot be recognised elsewhere, so it is removed at once.
  if (sets.gone.length > 0) publish(await dropPending(pool, lease, ref, sets.gone));
  const flags: FlagComparison = plan.allFlags
    ? await compareFlags(context, imap.connection, ref, { highest, gone: sets.gone, since: snapshot.highestModseq })
    : { proven: changes.all, faults: 0 };

  const lost = plan.findsFaults && imap.connection.server.level === 'QRESYNC' ? sets.unsaid : 0;
  const repairs = added.late + sets.late + (plan.findsFaults ? flags.faults : 0) + lost;
  if (repairs > 0)
    log.warn(
      { mailbox: path, repairs, plan: plan.reason },
      'stored messages differed from the server and were corrected',
    );

  const isNew = stored.uidValidity === null || plan.newGeneration;
  const modseqs = nextCursor(stored, snapshot, { isGmail: imap.connection.server.isGmail, isNew, at });
  // A lagging cursor does not cover the latest changes, so these are not proven.
  const reaches = modseqs.highestModseq === snapshot.highestModseq;
  const hasAllFlags = flags.proven && added.flagsProven && sets.flagsProven;
  const evidence: MailboxEvidence = {
    ...ref,
    server: sets.server,
    flagsProven: hasAllFlags && reaches,
    compared: isCompared(plan, highest, hasAllFlags) && sets.server?.proof === 'UID_SET',
    repairs,
    refusal: null,
    doubt: sets.doubt ?? (uidValidity === NO_UIDVALIDITY ? 'NO_UIDVALIDITY' : null),
    at,
    expunged: new Set(),
  };
  const cursor: MailboxCursor = {
    snapshot: { ...snapshot, uidNext: sets.uidNext },
    ...modseqs,
    // Not UIDNEXT, which may be too high: new mail would then be below it.
    enumeratedUpTo: Math.max(highest, added.listed.at(-1) ?? 0, sets.highest),
    flagSweepUid: changes.sweptTo,
  };
  if (sets.gone.length > 0 || mailbox.hasOldGeneration) {
    const leaving = [
      ...(await messagesAt(pool, id, { generation, uids: sets.gone })),
      ...(mailbox.hasOldGeneration ? await messagesAt(pool, id, { before: generation }) : []),
    ];
    return { mailbox, ref, gone: sets.gone, cursor, leaving, evidence };
  }
  publish(await finishPass(pool, lease, id, cursor, { mailboxesSynced: 1 }));
  return { mailbox, ref, gone: [], cursor: null, leaving: [], evidence };
}

/** Selects the mailbox, twice if UIDVALIDITY changed: if it differs with every SELECT, UIDs are meaningless. */
async function open(
  { connection }: ReconnectingConnection,
  { path, uidValidity }: StoredMailbox,
): Promise<MailboxSnapshot> {
  const first = await connection.select(path);
  if (uidValidity === null || first.uidValidity === uidValidity) return first;
  const second = await connection.select(path);
  if (second.uidValidity !== first.uidValidity) throw new MailboxQuarantined('SERVER_CONTRADICTS_ITSELF');
  return second;
}

/** On a first pass, all flags were just fetched. On later ones, they were compared if the plan required it. */
const isCompared = (plan: PassPlan, highest: number, hasAllFlags: boolean): boolean =>
  hasAllFlags && (plan.allFlags || highest === 0);
