import type { SyncTrigger } from '../../domain/sync-run.ts';

/**
 * Priorities of jobs by start-time fair queueing. A job keeps its priority, and yet the order is close to that of the
 * rows (store/runs/queue-order.ts). The priority is that of the job at the front of the queue, plus the run's turn
 * within its tenant. So a tenant that comes later with one run is placed beside the front, and does not wait for
 * thousands of runs that another tenant queued before. Smaller is earlier. BullMQ's priorities are less than 2^21:
 * users' runs have the first half, scheduled runs the second.
 *
 * The turn alone was refused as the priority: docs/decisions/0004-job-priorities.md.
 */
export const FIRST_SCHEDULED = 2 ** 20;
const MOST = 2 ** 20 - 1;

/**
 * @param turn from 1: how many runs of its tenant come before it, and itself
 * @param front the priority of the next job with the same trigger; null if none is queued
 */
export function priorityOf(trigger: SyncTrigger, turn: number, front: number | null): number {
  const first = trigger === 'USER' ? 0 : FIRST_SCHEDULED;
  const now = front === null ? 1 : Math.max(1, front - first);
  // Reached only after a million turns during which the queue is never empty: from then on, in the order of arrival.
  return first + Math.min(MOST, now + turn - 1);
}
