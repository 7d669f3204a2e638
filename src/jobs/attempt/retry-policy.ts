import { ERRORS, type ErrorCode, type MailtideError } from '../../errors.ts';

/** What follows an attempt that has failed. */
export type Reaction =
  /** Another attempt after `delayMs`. `throttled`: the provider asked for the pause, and it is no failure. */
  | { readonly kind: 'retry'; readonly delayMs: number; readonly retries: number; readonly throttled: boolean }
  | { readonly kind: 'fail'; readonly needsAuth: boolean };

export interface RetrySettings {
  /** Attempts after the first. */
  readonly maxRetries: number;
  readonly baseSeconds: number;
}

/** A delay is up to this share longer or shorter, so that accounts which failed together do not come back together. */
const JITTER = 0.1;
/** Where the provider does not say how long: the limits behind these refusals are counted by the hour or by the day. */
const THROTTLED_MS = 15 * 60_000;
/** Errors by which the provider asks for a pause. */
const PAUSES: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['IMAP_THROTTLED', 'IMAP_QUOTA_EXCEEDED']);
const LONGEST_PAUSE_MS = 24 * 60 * 60_000;

/**
 * Decides by the error table. Transient failures are tried again `maxRetries` times in a row, after base * 2^n; an
 * attempt that made headway begins a new row, because a mailbox that comes in parts does come in. A pause that the
 * provider asks for is kept to, and does not count.
 * @param retries transient failures since the last headway
 * @param random from 0 to 1, as of Math.random()
 */
export function reactionTo(
  error: MailtideError,
  { retries, madeHeadway }: { readonly retries: number; readonly madeHeadway: boolean },
  { maxRetries, baseSeconds }: RetrySettings,
  random: number,
): Reaction {
  const { run } = ERRORS[error.code];
  if (run !== 'retry') return { kind: 'fail', needsAuth: run === 'needs-auth' };
  const failures = madeHeadway ? 0 : retries;
  if (PAUSES.has(error.code)) {
    const asked = Math.min(error.retryAfterMs ?? THROTTLED_MS, LONGEST_PAUSE_MS);
    // Never earlier than asked, and never at once: a hint of 0 would be a loop.
    const delayMs = Math.max(asked, 1000) * (1 + JITTER * random);
    return { kind: 'retry', delayMs, retries: failures, throttled: true };
  }
  if (failures >= maxRetries) return { kind: 'fail', needsAuth: false };
  const delayMs = baseSeconds * 1000 * 2 ** failures * (1 + JITTER * (2 * random - 1));
  return { kind: 'retry', delayMs, retries: failures + 1, throttled: false };
}
