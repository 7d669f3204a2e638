import type { MailboxSnapshot, MailboxStatus } from '../domain/imap-types.ts';
import type { PlanReason } from '../domain/plan-reasons.ts';
import type { SyncMode } from '../domain/sync-run.ts';

/** What the decisions need of a stored mailbox. */
export interface KnownMailbox {
  /** MAILBOXID, where the server has one. */
  readonly objectId: string | null;
  /** How often its UIDs have lost their meaning. */
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

/** Everything is compared this often, in milliseconds: what it finds was missed by a fault, the server's or ours. */
const COMPARE_EVERY = 24 * 60 * 60 * 1000;
/** Clocks of nodes may differ by so much, in milliseconds; a time further ahead was written by a clock that was wrong. */
const SKEW = 60_000;

function isComparedAnew({ comparedAt }: KnownMailbox, mode: SyncMode, at: Date): boolean {
  if (mode === 'FULL' || comparedAt === null) return true;
  const elapsed = at.getTime() - comparedAt.getTime();
  return elapsed >= COMPARE_EVERY || elapsed < -SKEW;
}

/**
 * True when STATUS proves that nothing changed since the last pass: same UIDVALIDITY, UIDNEXT, MESSAGES and
 * HIGHESTMODSEQ. Without mod-sequences the first three prove the set of messages, but not their flags.
 */
export function isProvenUnchanged(
  known: KnownMailbox,
  status: MailboxStatus | null,
  mode: SyncMode,
  at = new Date(),
): boolean {
  return (
    !isComparedAnew(known, mode, at) &&
    status !== null &&
    !known.hasOldGeneration &&
    known.highestModseq !== null &&
    status.highestModseq === known.highestModseq &&
    known.uidValidity === status.uidValidity &&
    sameNumber(known.uidNext, status.uidNext) &&
    known.messageCount === status.messages
  );
}

/** How many messages a mailbox will have to be fetched, as far as LIST and STATUS tell. */
export function expectedMessages(known: KnownMailbox | null, status: MailboxStatus | null): number {
  if (!known) return status?.messages ?? 0;
  if (status === null) return known.pending;
  if (known.uidValidity !== null && status.uidValidity !== null && known.uidValidity !== status.uidValidity) {
    return status.messages;
  }
  return known.pending + Math.max(0, status.messages - known.messageCount);
}

/** Without mod-sequences: how many of the newest UIDs have their flags looked at in every pass. */
export const RECENT = 500;

export interface PassPlan {
  /** UIDVALIDITY or MAILBOXID changed: a new generation, everything is enumerated again. */
  readonly newGeneration: boolean;
  /** The server has said so too often: a new generation only where UIDs do name other messages than before. */
  readonly doubtsReset: boolean;
  /**
   * Where changed flags come from: nowhere (proven unchanged, or all is new), the mod-sequence cursor, or a window of
   * recent UIDs with a rolling sweep behind it.
   */
  readonly flags: 'none' | 'since-cursor' | 'sweep';
  /** Compare the whole UID set, not only what is new. */
  readonly wholeSet: boolean;
  /** Compare the flags of all messages. */
  readonly allFlags: boolean;
  /** UIDs may name other messages than before, although UIDVALIDITY is the same: look at their dates and sizes. */
  readonly checkIdentity: boolean;
  /** What a comparison finds beyond what the server tells of as changed was missed before: a fault to be logged. */
  readonly findsFaults: boolean;
  /** Why, for the log and the run's history. */
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
 * So many resets are believed at once. There are servers whose UIDVALIDITY goes to and fro, for example because two
 * machines that serve a mailbox do not agree: each time all rows would be written again, and the old ones kept.
 */
const BELIEVED_RESETS = 3;

/** Decides how a mailbox is brought up to date, from what we know and what SELECT says. */
export function planPass(known: KnownMailbox, now: MailboxSnapshot, mode: SyncMode, at = new Date()): PassPlan {
  if (known.uidValidity === null) return { ...NOTHING, reason: 'FIRST_SYNC' };
  // Cyrus gives a mailbox that is made again the UIDVALIDITY after its last one, which another mailbox may have: where
  // the two swap names, nothing else tells.
  if (known.objectId !== null && now.mailboxId !== null && known.objectId !== now.mailboxId) {
    return { ...NEW_GENERATION, reason: 'MAILBOXID_CHANGED' };
  }
  // Inequality, not order: a lower UIDVALIDITY is as foreign as a higher one.
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
  if (!isComparedAnew(known, mode, at)) return changes;
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

/** The last pass did not prove the set: no UIDNEXT is stored then. Counts that are equal by chance prove nothing. */
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

/** Below this many, a loss is believed at once. */
const SMALL_LOSS = 50;
/** Above this share of a mailbox, a loss needs a second witness. */
const LARGE_SHARE = 0.2;

/**
 * True when so much is gone that it must be confirmed over another connection: servers report a mailbox that is
 * renamed or deleted under the session as empty (Cyrus: `VANISHED 1:n`).
 */
export const isSuspiciousLoss = (gone: number, live: number): boolean =>
  gone > Math.max(SMALL_LOSS, live * LARGE_SHARE);

function sameNumber(a: bigint | null, b: number | null): boolean {
  return a !== null && b !== null && a === BigInt(b);
}
