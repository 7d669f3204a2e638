import type { SyncMode } from '../domain/sync-run.ts';
import type { MailboxSnapshot, MailboxStatus } from '../domain/words.ts';

/** What the decisions need of a stored mailbox. */
export interface KnownMailbox {
  readonly uidValidity: bigint | null;
  readonly uidNext: bigint | null;
  readonly highestModseq: bigint | null;
  readonly enumeratedUpTo: bigint;
  readonly messageCount: number;
  readonly pending: number;
  readonly hasOldGeneration: boolean;
}

/**
 * True when STATUS proves that nothing changed since the last pass: same UIDVALIDITY, UIDNEXT, MESSAGES and
 * HIGHESTMODSEQ. Without mod-sequences the first three prove the set of messages, but not their flags.
 */
export function isProvenUnchanged(known: KnownMailbox, status: MailboxStatus | null, mode: SyncMode): boolean {
  return (
    mode === 'INCREMENTAL' &&
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

export interface PassPlan {
  /** UIDVALIDITY changed: a new generation, everything is enumerated again. */
  readonly newGeneration: boolean;
  /**
   * Where changed flags come from: nowhere (proven unchanged, or all is new), the mod-sequence cursor, a window of
   * recent UIDs with a rolling sweep behind it, or all of them.
   */
  readonly flags: 'none' | 'since-cursor' | 'sweep' | 'all';
  /** Compare the whole UID set, not only what is new. */
  readonly wholeSet: boolean;
  /** Why, for the log and the run's history. */
  readonly reason: string;
}

/** Decides how a mailbox is brought up to date, from what we know and what SELECT says. */
export function planPass(known: KnownMailbox, now: MailboxSnapshot, mode: SyncMode): PassPlan {
  if (known.uidValidity === null) {
    return { newGeneration: false, flags: 'none', wholeSet: false, reason: 'first sync of this mailbox' };
  }
  // Inequality, not order: a lower UIDVALIDITY is as foreign as a higher one.
  if (known.uidValidity !== now.uidValidity) {
    return { newGeneration: true, flags: 'none', wholeSet: false, reason: 'UIDVALIDITY changed' };
  }
  if (mode === 'FULL') return { newGeneration: false, flags: 'all', wholeSet: true, reason: 'full sync was asked for' };
  if (now.uidNext !== null && known.uidNext !== null && BigInt(now.uidNext) < known.uidNext) {
    return { newGeneration: false, flags: 'all', wholeSet: true, reason: 'UIDNEXT went back: a restored mailbox' };
  }
  if (now.highestModseq === null) {
    // Without mod-sequences an equal count and UIDNEXT still prove the set.
    const sameSet = sameNumber(known.uidNext, now.uidNext) && known.messageCount === now.exists;
    return { newGeneration: false, flags: 'sweep', wholeSet: !sameSet, reason: 'no mod-sequences here' };
  }
  if (known.highestModseq === null) {
    return { newGeneration: false, flags: 'all', wholeSet: true, reason: 'first pass with mod-sequences' };
  }
  if (now.highestModseq < known.highestModseq) {
    return {
      newGeneration: false,
      flags: 'all',
      wholeSet: true,
      reason: 'HIGHESTMODSEQ went back: a restored mailbox',
    };
  }
  const changed = now.highestModseq > known.highestModseq;
  return {
    newGeneration: false,
    flags: changed ? 'since-cursor' : 'none',
    wholeSet: false,
    reason: changed ? 'changes since the cursor' : 'same HIGHESTMODSEQ',
  };
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
