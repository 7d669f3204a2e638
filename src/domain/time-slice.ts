import { runsAt } from './host-limits.ts';
import type { SyncTrigger } from './sync-run.ts';

/**
 * A running run is preempted in favour of a waiting one once its time slice is over. The first slice takes 1 second.
 * The next one is as long as the run just ran, or twice its last slice, whichever is longer, within 8 to 32 seconds. A
 * tenant that was served less than 32 seconds ago preempts no run before that run has had 32 seconds. So a waiting
 * account begins soon, and finishes if its sync is short, however many or long the others are. Long syncs of several
 * tenants alternate without logging in all the time. The slice of a run that made no headway may grow beyond 32
 * seconds, or a server that is slow to begin would never let it make any. No run is preempted while none waits.
 *
 * Slices of one length, and slices that end although no run waits, were refused: docs/decisions/0005-time-slices.md.
 */
export const FIRST_SLICE_MS = 1000;
const SECOND_SLICE_MS = 8000;
const LONGEST_MS = 32_000;
const LONGEST_WITHOUT_HEADWAY_MS = 3_600_000;

/** Returns the next time slice, in milliseconds, of a run that is preempted after `ms`. */
export function nextSliceMs({ turnMs, ms }: Pick<TimeSlice, 'turnMs' | 'ms'>, madeHeadway: boolean): number {
  const longer = Math.max(SECOND_SLICE_MS, 2 * turnMs);
  return madeHeadway ? Math.min(LONGEST_MS, Math.max(longer, ms)) : Math.min(LONGEST_WITHOUT_HEADWAY_MS, longer);
}

/** A run, running or waiting, as the choice sees it. */
export interface Contender {
  readonly tenantId: string;
  readonly host: string;
  readonly trigger: SyncTrigger;
}

/** A waiting run. */
export interface Waiting extends Contender {
  /** Milliseconds since its tenant was last served; null if it never was. */
  readonly servedMs: number | null;
}

/** A running run and its time slice. */
export interface TimeSlice extends Contender {
  readonly runId: string;
  /** Length of the slice, in milliseconds. */
  readonly turnMs: number;
  /** How long the run has been running in it, in milliseconds. */
  readonly ms: number;
}

/**
 * Returns the ids of the runs to preempt: runs whose time slice is over, at most one per waiting tenant.
 *
 * - A tenant with nothing running preempts another tenant's run. Its scheduled run does not preempt a user's.
 * - A run that a user asked for preempts a scheduled run of its own tenant.
 * - Of several candidates, the tenant with the most running runs yields its longest-running one.
 * - If the waiting run's host is at its limit, only a run at that host is preempted.
 */
export function choosePreempted(running: readonly TimeSlice[], waiting: readonly Waiting[]): string[] {
  const slots = countedBy(running, ({ tenantId }) => tenantId);
  const atHost = countedBy(running, ({ host }) => host);
  const preempted = new Set<TimeSlice>();
  const served = new Set<string>();
  for (const next of waiting.toSorted((a, b) => Number(isScheduled(a)) - Number(isScheduled(b)))) {
    if (served.has(next.tenantId)) continue;
    const isFull = (atHost.get(next.host) ?? 0) >= runsAt(next.host);
    const [longest] = running
      .filter((slice) => !preempted.has(slice) && (!isFull || slice.host === next.host))
      .filter((slice) => goesBefore(next, slice, slots.has(next.tenantId)) && isOver(slice, next))
      .toSorted((a, b) => slots.get(b.tenantId)! - slots.get(a.tenantId)! || b.ms - a.ms);
    if (!longest) continue;
    preempted.add(longest);
    served.add(next.tenantId);
    slots.set(longest.tenantId, slots.get(longest.tenantId)! - 1);
  }
  return [...preempted].map(({ runId }) => runId);
}

function goesBefore(next: Waiting, slice: TimeSlice, hasOthers: boolean): boolean {
  if (next.tenantId === slice.tenantId) return !isScheduled(next) && isScheduled(slice);
  return !hasOthers && (!isScheduled(next) || isScheduled(slice));
}

/** A user's run does not wait longer for a scheduled one because its tenant was served recently. */
function isOver(slice: TimeSlice, next: Waiting): boolean {
  const wasServed = next.servedMs !== null && next.servedMs < LONGEST_MS;
  const isEqual = isScheduled(slice) === isScheduled(next);
  return slice.ms >= (wasServed && isEqual ? Math.max(slice.turnMs, LONGEST_MS) : slice.turnMs);
}

const isScheduled = ({ trigger }: Contender): boolean => trigger === 'SCHEDULE';

function countedBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
  return counts;
}
