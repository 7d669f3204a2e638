import { ERRORS, type ErrorCode, type MailtideError } from '../../errors.ts';

/** What follows a failed attempt. */
export type Reaction =
  /**
   * Another attempt after `delayMs`. `throttled`: the provider asked for a pause, which does not count as a failure.
   */
  | { readonly kind: 'retry'; readonly delayMs: number; readonly retries: number; readonly throttled: boolean }
  | { readonly kind: 'fail'; readonly needsAuth: boolean };

export interface RetrySettings {
  /** Attempts after the first. */
  readonly maxRetries: number;
  readonly baseSeconds: number;
}

/** A delay is up to this share longer or shorter, so that accounts that failed together do not retry together. */
const JITTER = 0.1;
/** Default pause if the provider names none: the limits behind these refusals apply per hour or per day. */
const THROTTLED_MS = 15 * 60_000;
/**
 * Errors that a server may report while it has an outage. If the account has synced before, they are retried for an
 * hour before their reaction.
 */
const DOUBTED: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['MAILBOX_NOT_ACCESSIBLE']);
const DOUBTED_FOR_MS = 60 * 60_000;
/** Errors by which the provider asks for a pause. */
const PAUSES: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['IMAP_THROTTLED', 'IMAP_QUOTA_EXCEEDED']);
const LONGEST_PAUSE_MS = 24 * 60 * 60_000;

/**
 * Decides by the error table what follows. Transient failures are retried up to `maxRetries` times in a row, after
 * base * 2^n. An attempt that made headway resets the count, because the mailbox will be complete in the end. A pause
 * that the provider asks for is observed, and does not count.
 * @param retries transient failures since the last headway
 * @param hasSynced whether a run of the account has ever read a mailbox
 * @param random from 0 to 1, as of Math.random()
 */
export function reactionTo(
  error: MailtideError,
  {
    retries,
    madeHeadway,
    hasSynced,
  }: { readonly retries: number; readonly madeHeadway: boolean; readonly hasSynced: boolean },
  { maxRetries, baseSeconds }: RetrySettings,
  random: number,
): Reaction {
  const { run } = ERRORS[error.code];
  const failures = madeHeadway ? 0 : retries;
  const waitedMs = baseSeconds * 1000 * (2 ** failures - 1);
  const isDoubted = DOUBTED.has(error.code) && hasSynced && waitedMs < DOUBTED_FOR_MS;
  if (run !== 'retry' && !isDoubted) return { kind: 'fail', needsAuth: run === 'needs-auth' };
  if (PAUSES.has(error.code)) {
    const asked = Math.min(error.retryAfterMs ?? THROTTLED_MS, LONGEST_PAUSE_MS);
    // Never earlier than asked, and never at once: a hint of 0 would cause a tight loop.
    const delayMs = Math.max(asked, 1000) * (1 + JITTER * random);
    return { kind: 'retry', delayMs, retries: failures, throttled: true };
  }
  if (failures >= maxRetries && !isDoubted) return { kind: 'fail', needsAuth: false };
  const backoffMs = baseSeconds * 1000 * 2 ** failures * (1 + JITTER * (2 * random - 1));
  const delayMs = Math.max(backoffMs, error.retryAfterMs ?? 0);
  return { kind: 'retry', delayMs, retries: failures + 1, throttled: false };
}
