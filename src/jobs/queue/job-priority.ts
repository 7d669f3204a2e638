import type { SyncTrigger } from '../../domain/sync-run.ts';

/**
 * The order of messages that are never sorted again, close to that of the rows (store/runs/queue-order.ts): start-time
 * fair queueing. A run's place in time is its turn within its tenant, counted from the place of the run that is next: so
 * a tenant that comes later, with one run, comes beside what is next, and does not wait for thousands that another one
 * has sent before. Smaller is earlier; BullMQ's priorities go from 1 to 2^21 - 1. What somebody asked for has the first
 * half of them, what the schedule started the second.
 *
 * Refused: the turn alone. Of a tenant that has had a thousand turns already the next would come after a thousand of
 * another tenant that has just begun.
 */
export const FIRST_SCHEDULED = 2 ** 20;
const MOST = 2 ** 20 - 1;

/**
 * @param turn from 1: how many of its tenant go before it, and itself
 * @param head the priority of what is next among those of its kind; null when none waits
 */
export function priorityOf(trigger: SyncTrigger, turn: number, head: number | null): number {
  const first = trigger === 'USER' ? 0 : FIRST_SCHEDULED;
  const now = head === null ? 1 : Math.max(1, head - first);
  // Only after a million turns without a moment of rest: from there on, in the order of their arrival.
  return first + Math.min(MOST, now + turn - 1);
}
