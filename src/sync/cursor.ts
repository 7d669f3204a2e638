import type { MailboxSnapshot } from '../domain/imap-types.ts';

/** The mod-sequence from which the next pass fetches changes, and the one that may follow it. */
export interface ModseqCursor {
  readonly highestModseq: bigint | null;
  /** Reported at `laggingSince`; becomes the cursor after some time. */
  readonly laggingModseq: bigint | null;
  readonly laggingSince: Date | null;
}

/** In milliseconds. */
const LAG = 60_000;

/**
 * Pure: returns the cursor after a pass that began with `snapshot`. It is the HIGHESTMODSEQ at SELECT, so that the next
 * pass sees changes made during this one. Gmail raises HIGHESTMODSEQ before a session can see the change. There, a
 * value becomes the cursor only after a later pass, at least a minute later, has fetched changes from the previous
 * cursor again.
 */
export function nextCursor(
  known: ModseqCursor,
  { highestModseq }: Pick<MailboxSnapshot, 'highestModseq'>,
  { isGmail, isNew, at }: { isGmail: boolean; isNew: boolean; at: Date },
): ModseqCursor {
  if (!isGmail || highestModseq === null) return { highestModseq, laggingModseq: null, laggingSince: null };
  const before = isNew ? null : known.highestModseq;
  // A wrong clock wrote a time in the future: the minute begins again.
  if (isNew || known.laggingModseq === null || known.laggingSince === null || known.laggingSince > at) {
    return { highestModseq: before, laggingModseq: highestModseq, laggingSince: at };
  }
  if (at.getTime() - known.laggingSince.getTime() < LAG) return { ...known, highestModseq: before };
  return { highestModseq: known.laggingModseq, laggingModseq: highestModseq, laggingSince: at };
}
