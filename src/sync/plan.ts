import type { MailboxSnapshot, MailboxStatus } from '../domain/imap-types.ts';
import type { PlanReason } from '../domain/plan-reasons.ts';
import type { SyncMode } from '../domain/sync-run.ts';

/** The columns of a stored mailbox that the plan depends on. */
export interface KnownMailbox {
  /** MAILBOXID; null if the server has none. */
  readonly objectId: string | null;
  /** How often its UIDs were reset. */
  readonly generation: number;
  readonly uidValidity: bigint | null;
  readonly uidNext: bigint | null;
  readonly highestModseq: bigint | null;
  readonly enumeratedUpTo: bigint;
  readonly messageCount: number;
  readonly pending: number;
  readonly hasOldGeneration: boolean;
  /** When every UID and every flag was last compared. */
  readonly comparedAt: Date | null;
}

/**
 * Interval of the full comparison, in milliseconds. Differences that it finds are faults of the server or of Mailtide.
 */
const COMPARE_EVERY = 24 * 60 * 60 * 1000;
/** How far the clocks of nodes may differ, in milliseconds. A wrong clock wrote a time that is further ahead. */
const SKEW = 60_000;

function isComparedAgain({ comparedAt }: KnownMailbox, mode: SyncMode, at: Date): boolean {
  if (mode === 'FULL' || comparedAt === null) return true;
  const elapsed = at.getTime() - comparedAt.getTime();
  return elapsed >= COMPARE_EVERY || elapsed < -SKEW;
}

/**
 * Returns true if STATUS proves that nothing changed since the last pass: same UIDVALIDITY, UIDNEXT, MESSAGES and
 * HIGHESTMODSEQ. Without mod-sequences, the first three prove the set of messages, but not their flags.
 */
export function isProvenUnchanged(
  known: KnownMailbox,
  status: MailboxStatus | null,
  mode: SyncMode,
  at = new Date(),
): boolean {
  return (
    !isComparedAgain(known, mode, at) &&
    status !== null &&
    !known.hasOldGeneration &&
    known.highestModseq !== null &&
    status.highestModseq === known.highestModseq &&
    known.uidValidity === status.uidValidity &&
    sameNumber(known.uidNext, status.uidNext) &&
    known.messageCount === status.messages
  );
}

/** Estimates from LIST and STATUS how many messages of a mailbox must be fetched. */
export function expectedMessages(known: KnownMailbox | null, status: MailboxStatus | null): number {
  if (!known) return status?.messages ?? 0;
  if (status === null) return known.pending;
  if (known.uidValidity !== null && status.uidValidity !== null && known.uidValidity !== status.uidValidity) {
    return status.messages;
  }
  return known.pending + Math.max(0, status.messages - known.messageCount);
}

/** Without mod-sequences, each pass fetches the flags of this many of the newest UIDs. */
export const RECENT = 500;

export interface PassPlan {
  /** UIDVALIDITY or MAILBOXID changed: a new generation, everything is enumerated again. */
  readonly newGeneration: boolean;
  /** The server has changed UIDVALIDITY too often: begin a new generation only if UIDs do name other messages. */
  readonly doubtsReset: boolean;
  /**
   * Where changed flags come from: nowhere (proven unchanged, or all messages are new), the mod-sequence cursor, or a
   * window of recent UIDs plus a rolling sweep of older ones.
   */
  readonly flags: 'none' | 'since-cursor' | 'sweep';
  /** Compare the whole UID set, not only new UIDs. */
  readonly wholeSet: boolean;
  /** Compare the flags of all messages. */
  readonly allFlags: boolean;
  /** UIDs may name other messages than before although UIDVALIDITY is the same: compare dates and sizes. */
  readonly checkIdentity: boolean;
  /** A difference that the server does not report as a change was missed before: log it as a fault. */
  readonly findsFaults: boolean;
  /** The reason for this plan, for the log and the run's history. */
  readonly reason: PlanReason;
}

const NOTHING = {
  newGeneration: false,
  doubtsReset: false,
  flags: 'none',
  wholeSet: false,
  allFlags: false,
  checkIdentity: false,
  findsFaults: false,
} as const;
export const NEW_GENERATION = { ...NOTHING, newGeneration: true } as const;
const EVERYTHING = { ...NOTHING, wholeSet: true, allFlags: true } as const;
export const SAME_GENERATION: PassPlan = { ...EVERYTHING, reason: 'UIDVALIDITY_UNSTABLE' };

/**
 * How many resets are believed at once. On some servers UIDVALIDITY alternates, for example because two machines that
 * serve a mailbox disagree. Each reset would write all rows again and keep the old ones.
 */
const BELIEVED_RESETS = 3;

/** Decides how to sync a mailbox, from its stored state and the answer to SELECT. */
export function planPass(known: KnownMailbox, now: MailboxSnapshot, mode: SyncMode, at = new Date()): PassPlan {
  if (known.uidValidity === null) return { ...NOTHING, reason: 'FIRST_SYNC' };
  // Cyrus gives a recreated mailbox the UIDVALIDITY after its last one, which another mailbox may have. If the two swap
  // names, only MAILBOXID shows it.
  if (known.objectId !== null && now.mailboxId !== null && known.objectId !== now.mailboxId) {
    return { ...NEW_GENERATION, reason: 'MAILBOXID_CHANGED' };
  }
  // Any difference counts: a lower UIDVALIDITY invalidates UIDs as a higher one does.
  if (known.uidValidity !== now.uidValidity) {
    return { ...NEW_GENERATION, doubtsReset: known.generation >= BELIEVED_RESETS, reason: 'UIDVALIDITY_CHANGED' };
  }
  if (now.uidNext !== null && known.uidNext !== null && BigInt(now.uidNext) < known.uidNext) {
    return { ...EVERYTHING, checkIdentity: true, reason: 'UIDNEXT_DECREASED' };
  }
  if (now.highestModseq !== null && known.highestModseq === null) {
    return { ...EVERYTHING, reason: 'FIRST_HIGHESTMODSEQ' };
  }
  if (now.highestModseq !== null && now.highestModseq < known.highestModseq!) {
    return { ...EVERYTHING, checkIdentity: true, reason: 'HIGHESTMODSEQ_DECREASED' };
  }
  const changes = { ...planChanges(known, now), ...(inDoubt(known, now) ? { wholeSet: true } : {}) };
  if (!isComparedAgain(known, mode, at)) return changes;
  const reason = reasonToCompare(known, mode);
  const checkIdentity = mode === 'FULL';
  return now.highestModseq === null
    ? { ...EVERYTHING, checkIdentity, reason }
    : { ...changes, wholeSet: true, allFlags: true, checkIdentity, findsFaults: true, reason };
}

function reasonToCompare({ comparedAt }: KnownMailbox, mode: SyncMode): PlanReason {
  if (mode === 'FULL') return 'FULL_SYNC_REQUESTED';
  return comparedAt === null ? 'FIRST_COMPARISON' : 'DAILY_COMPARISON';
}

/** Returns whether the last pass did not prove the set, and so stored no UIDNEXT. Equal counts may be coincidence. */
const inDoubt = (known: KnownMailbox, now: MailboxSnapshot): boolean => known.uidNext === null && now.uidNext !== null;

function planChanges(known: KnownMailbox, now: MailboxSnapshot): PassPlan {
  if (now.highestModseq === null) {
    // Without mod-sequences an equal count and UIDNEXT still prove the set.
    const sameSet = sameNumber(known.uidNext, now.uidNext) && known.messageCount === now.exists;
    const fewEnough = known.enumeratedUpTo <= BigInt(RECENT);
    return {
      ...NOTHING,
      flags: fewEnough ? 'none' : 'sweep',
      allFlags: fewEnough,
      wholeSet: !sameSet,
      reason: 'NO_HIGHESTMODSEQ',
    };
  }
  return now.highestModseq > known.highestModseq!
    ? { ...NOTHING, flags: 'since-cursor', reason: 'HIGHESTMODSEQ_INCREASED' }
    : { ...NOTHING, reason: 'HIGHESTMODSEQ_UNCHANGED' };
}

/** A loss of up to this many messages is believed at once. */
const SMALL_LOSS = 50;
/** A loss of more than this share of a mailbox must be confirmed. */
const LARGE_SHARE = 0.2;

/**
 * Returns true if so many messages are gone that a second connection must confirm it: servers report a mailbox as empty
 * that is renamed or deleted during the session (Cyrus: `VANISHED 1:n`).
 */
export const isSuspiciousLoss = (gone: number, stored: number): boolean =>
  gone > Math.max(SMALL_LOSS, stored * LARGE_SHARE);

function sameNumber(a: bigint | null, b: number | null): boolean {
  return a !== null && b !== null && a === BigInt(b);
}
