/**
 * When an account is due. Accounts keep their place within the interval: it is drawn at random when they come, so that
 * many that come at once do not fire together, and it moves a little with every sync, so that those which a restart or
 * a common interval has brought together drift apart again.
 */
const MINUTE_MS = 60_000;

/** How much earlier than its interval an account may be due, as a share of it. Never later. */
const JITTER = 0.1;

/** No account is due later than so many of its intervals from now. */
export const LONGEST_WAIT = 1.5;

/** Anywhere in the first interval. `random` is from 0 to 1, as of Math.random(). */
export const firstDue = (now: Date, intervalMinutes: number, random: number): Date =>
  new Date(now.getTime() + random * intervalMinutes * MINUTE_MS);

/**
 * When an account that was due at `due`, and is claimed `now`, is due again: one interval later, however late it is.
 * Intervals that were missed meanwhile are left out: the sync that begins now catches up for all of them, so the next
 * one is at least half an interval away.
 */
export function nextDue(due: Date, now: Date, intervalMinutes: number, random: number): Date {
  const interval = intervalMinutes * MINUTE_MS;
  const late = Math.max(0, now.getTime() - due.getTime());
  const onTime = due.getTime() + (Math.floor(late / interval) + 1) * interval - random * JITTER * interval;
  return new Date(onTime - now.getTime() < interval / 2 ? onTime + interval : onTime);
}
