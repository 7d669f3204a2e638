import type { MailboxSnapshot } from '../domain/imap-types.ts';

/** From which mod-sequence the next pass asks for changes, and which one may follow it. */
export interface ModseqCursor {
  readonly highestModseq: bigint | null;
  /** Seen at `laggingSince`, and to become the cursor when some time has passed. */
  readonly laggingModseq: bigint | null;
  readonly laggingSince: Date | null;
}

/** In milliseconds. */
const LAG = 60_000;

/**
 * Pure: the cursor after a pass that began with `snapshot`: its HIGHESTMODSEQ, copied at SELECT, so that what changed
 * during the pass is told of again. Gmail raises HIGHESTMODSEQ before a session can see the change that it stands for:
 * there a value becomes the cursor only when a later pass, a minute or more after it was seen, has asked once more from
 * the cursor before it.
 */
export function nextCursor(
  known: ModseqCursor,
  { highestModseq }: Pick<MailboxSnapshot, 'highestModseq'>,
  { isGmail, isNew, at }: { isGmail: boolean; isNew: boolean; at: Date },
): ModseqCursor {
  if (!isGmail || highestModseq === null) return { highestModseq, laggingModseq: null, laggingSince: null };
  const before = isNew ? null : known.highestModseq;
  // A time in the future was written by a clock that was wrong: the minute begins again.
  if (isNew || known.laggingModseq === null || known.laggingSince === null || known.laggingSince > at) {
    return { highestModseq: before, laggingModseq: highestModseq, laggingSince: at };
  }
  if (at.getTime() - known.laggingSince.getTime() < LAG) return { ...known, highestModseq: before };
  return { highestModseq: known.laggingModseq, laggingModseq: highestModseq, laggingSince: at };
}
