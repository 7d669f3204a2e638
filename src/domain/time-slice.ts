import { runsAt } from './host-limits.ts';
import type { SyncTrigger } from './sync-run.ts';

/**
 * When a run that goes on gives its place to one that waits: when its turn has been long enough. That is a second at
 * first. Its next turn is as long as this one was, or twice as long as that had to be, from 8 seconds to half a minute;
 * and a tenant that was served within half a minute interrupts nobody sooner. So an account that waits is served soon,
 * and to its end if its sync is short, however many or long the others are; and long syncs of several tenants alternate
 * without logging in all the time. A run that got nowhere in its turn is not held to half a minute, or a server that is
 * slow to begin would keep it from ever getting anywhere. Nobody is interrupted while nobody waits.
 *
 * Refused: turns of one length (a second is too short for two imports that alternate, half a minute too long for an
 * account that waits), and turns that end whether or not somebody waits (each end is another login).
 */
export const FIRST_SLICE_MS = 1000;
const SECOND_SLICE_MS = 8000;
const LONGEST_MS = 32_000;
const LONGEST_WITHOUT_HEADWAY_MS = 3_600_000;

/** How long the next turn of a run is at least that gives way after `ms`. */
export function nextSliceMs({ turnMs, ms }: Pick<TimeSlice, 'turnMs' | 'ms'>, madeHeadway: boolean): number {
  const longer = Math.max(SECOND_SLICE_MS, 2 * turnMs);
  return madeHeadway ? Math.min(LONGEST_MS, Math.max(longer, ms)) : Math.min(LONGEST_WITHOUT_HEADWAY_MS, longer);
}

/** Where a run goes on, or would. */
export interface Contender {
  readonly tenantId: string;
  readonly host: string;
  readonly trigger: SyncTrigger;
}

/** A run that waits. */
export interface Waiting extends Contender {
  /** Since its tenant was last served, in milliseconds; null when it never was. */
  readonly servedMs: number | null;
}

/** A run that goes on. */
export interface TimeSlice extends Contender {
  readonly runId: string;
  /** How long its turn is at least, in milliseconds. */
  readonly turnMs: number;
  /** How long it has been. */
  readonly ms: number;
}

/**
 * The runs that have had their turn and are to give way, at most one for each tenant that waits: to a tenant that has
 * nothing running, unless that would stop what a person asked for in favour of the schedule; and to what a person asked
 * for, if the run is of the same tenant's schedule. Of several the tenant gives way that has most, with its longest.
 * Where a host bears no more, only a run at that host makes room.
 */
export function choosePreempted(running: readonly TimeSlice[], waiting: readonly Waiting[]): string[] {
  const places = countedBy(running, ({ tenantId }) => tenantId);
  const atHost = countedBy(running, ({ host }) => host);
  const leaving = new Set<TimeSlice>();
  const served = new Set<string>();
  for (const waiter of waiting.toSorted((a, b) => Number(isScheduled(a)) - Number(isScheduled(b)))) {
    if (served.has(waiter.tenantId)) continue;
    const isFull = (atHost.get(waiter.host) ?? 0) >= runsAt(waiter.host);
    const [longest] = running
      .filter((turn) => !leaving.has(turn) && (!isFull || turn.host === waiter.host))
      .filter((turn) => goesBefore(waiter, turn, places.has(waiter.tenantId)) && hasHadItsTurn(turn, waiter))
      .toSorted((a, b) => places.get(b.tenantId)! - places.get(a.tenantId)! || b.ms - a.ms);
    if (!longest) continue;
    leaving.add(longest);
    served.add(waiter.tenantId);
    places.set(longest.tenantId, places.get(longest.tenantId)! - 1);
  }
  return [...leaving].map(({ runId }) => runId);
}

function goesBefore(waiter: Waiting, turn: TimeSlice, hasOthers: boolean): boolean {
  if (waiter.tenantId === turn.tenantId) return !isScheduled(waiter) && isScheduled(turn);
  return !hasOthers && (!isScheduled(waiter) || isScheduled(turn));
}

/** What a person asked for waits no longer for the schedule because his tenant was served just now. */
function hasHadItsTurn(turn: TimeSlice, waiter: Waiting): boolean {
  const wasServed = waiter.servedMs !== null && waiter.servedMs < LONGEST_MS;
  const isEqual = isScheduled(turn) === isScheduled(waiter);
  return turn.ms >= (wasServed && isEqual ? Math.max(turn.turnMs, LONGEST_MS) : turn.turnMs);
}

const isScheduled = ({ trigger }: Contender): boolean => trigger === 'SCHEDULE';

function countedBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
  return counts;
}
