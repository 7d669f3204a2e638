import { runsAt } from './host-limits.ts';
import type { SyncTrigger } from './sync-run.ts';

/**
 * When a run that goes on gives its place to one that waits. A turn is at least a second, and nobody is interrupted
 * while nobody waits. Each time a run has given way its next turn is twice as long, up to half a minute: long syncs of
 * several tenants alternate without logging in all the time. One that got nowhere in its turn is not held to that limit,
 * so that a server which is slow to begin does not keep a run from ever getting anywhere.
 *
 * Refused: turns of one length (a second is too short for two imports that alternate, half a minute too long for an
 * account that waits), and turns that end whether or not somebody waits (each end is another login).
 */
const SHORTEST_MS = 1000;
const MOST_DOUBLINGS = 5;

/** How long a run may go on that has given way so many times, in milliseconds, when somebody waits. */
export const turnMs = (yields: number): number => SHORTEST_MS * 2 ** yields;

/** What is counted of it when it gives way once more. */
export const yieldsAfter = (yields: number, madeHeadway: boolean): number =>
  madeHeadway ? Math.min(yields + 1, MOST_DOUBLINGS) : yields + 1;

/** Where a run goes on, or would. */
export interface Place {
  readonly tenantId: string;
  readonly host: string;
  readonly trigger: SyncTrigger;
}

/** A run that goes on. */
export interface Turn extends Place {
  readonly runId: string;
  /** Since it began. */
  readonly ms: number;
  readonly yields: number;
}

/**
 * The runs that have had their turn and are to give way, at most one for each tenant that waits: to a tenant that has
 * nothing running, unless that would stop what a person asked for in favour of the schedule; and to what a person asked
 * for, if the run is of the same tenant's schedule. Of several the tenant gives way that has most, with its longest.
 * Where a host bears no more, only a run at that host makes room.
 */
export function givingWay(running: readonly Turn[], waiting: readonly Place[]): string[] {
  const places = countedBy(running, ({ tenantId }) => tenantId);
  const atHost = countedBy(running, ({ host }) => host);
  const leaving = new Set<Turn>();
  const served = new Set<string>();
  for (const waiter of waiting.toSorted((a, b) => Number(isScheduled(a)) - Number(isScheduled(b)))) {
    if (served.has(waiter.tenantId)) continue;
    const isFull = (atHost.get(waiter.host) ?? 0) >= runsAt(waiter.host);
    const [longest] = running
      .filter((turn) => !leaving.has(turn) && turn.ms >= turnMs(turn.yields) && (!isFull || turn.host === waiter.host))
      .filter((turn) => goesBefore(waiter, turn, places.has(waiter.tenantId)))
      .toSorted((a, b) => places.get(b.tenantId)! - places.get(a.tenantId)! || b.ms - a.ms);
    if (!longest) continue;
    leaving.add(longest);
    served.add(waiter.tenantId);
    places.set(longest.tenantId, places.get(longest.tenantId)! - 1);
  }
  return [...leaving].map(({ runId }) => runId);
}

function goesBefore(waiter: Place, turn: Turn, hasOthers: boolean): boolean {
  if (waiter.tenantId === turn.tenantId) return !isScheduled(waiter) && isScheduled(turn);
  return !hasOthers && (!isScheduled(waiter) || isScheduled(turn));
}

const isScheduled = ({ trigger }: Place): boolean => trigger === 'SCHEDULE';

function countedBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
  return counts;
}
