/**
 * When an account is due. Each account has its own time within the interval. It is chosen at random when the account is
 * connected, so that many that are connected at once are not due together. It shifts a little with every sync, so that
 * accounts which a restart or a common interval has brought together drift apart again.
 */
const MINUTE_MS = 60_000;

/** How much earlier than its interval an account may be due, as a share of the interval. It is never later. */
const JITTER = 0.1;

/** The longest time until an account is due, in intervals. */
export const LONGEST_WAIT = 1.5;

/** Returns a random time in the first interval. `random` is from 0 to 1, as returned by Math.random(). */
export const firstDue = (now: Date, intervalMinutes: number, random: number): Date =>
  new Date(now.getTime() + random * intervalMinutes * MINUTE_MS);

/**
 * Returns when an account is due again that was due at `due` and is claimed `now`: one interval after `due`. Missed
 * intervals are skipped, because the sync that begins now catches up on all of them. The result is at least half an
 * interval from now.
 */
export function nextDue(due: Date, now: Date, intervalMinutes: number, random: number): Date {
  const interval = intervalMinutes * MINUTE_MS;
  const late = Math.max(0, now.getTime() - due.getTime());
  const onTime = due.getTime() + (Math.floor(late / interval) + 1) * interval - random * JITTER * interval;
  return new Date(onTime - now.getTime() < interval / 2 ? onTime + interval : onTime);
}
