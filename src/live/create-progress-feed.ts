import type { Pool } from 'pg';
import { progressOf, type SyncProgress, type SyncRunRow } from '../domain/progress.ts';
import { accountExists } from '../store/accounts/account-exists.ts';
import { activeRuns, newestRun, recentRuns } from '../store/runs/present-progress.ts';
import { Conflated } from './conflated.ts';
import { pollOnRequest } from './poll-on-request.ts';
import type { Buses } from './progress-bus.ts';
import type { ProgressFeed } from './progress-feed.ts';

/** Unread runs kept for a slow subscriber, about 500 bytes each. */
const MAX_UNREAD_RUNS = 1000;

/**
 * Creates the feed. A subscriber receives the state of the rows at once, then the frames of the bus. It subscribes to
 * the bus before it reads the rows, so that no frame is lost, and drops frames that are not newer, so that progress
 * never goes backwards: a worker and a client that cancels its run commit in order, but may publish in any order.
 * Frames that the bus may have missed, such as another node's during a disconnect, are read from the rows. The feed of
 * one account ends when the account is deleted.
 * @param onDrop called for each frame that a slow subscriber does not receive
 */
export function createProgressFeed(
  pool: Pool,
  buses: Pick<Buses, 'progress' | 'accounts'>,
  onDrop = (): void => {},
): ProgressFeed {
  return {
    ofAccount: (tenantId, accountId, signal) =>
      watch(buses.progress, tenantId, signal, onDrop, {
        wanted: (frame) => frame.accountId === accountId,
        async present() {
          const run = await newestRun(pool, tenantId, accountId);
          return run ? [run] : [];
        },
        recent: (seconds) => recentRuns(pool, tenantId, accountId, seconds),
        untilGone(end) {
          const poll = pollOnRequest(async () => {
            if (!(await accountExists(pool, tenantId, accountId))) end();
          }, signal);
          const stop = buses.accounts.subscribe(tenantId, (change) => change.accountId === accountId && poll(), poll);
          // The account may have been deleted since the subscriber was authorised.
          poll();
          return stop;
        },
      }),
    ofTenant: (tenantId, signal) =>
      watch(buses.progress, tenantId, signal, onDrop, {
        wanted: () => true,
        present: () => activeRuns(pool, tenantId),
        recent: (seconds) => recentRuns(pool, tenantId, null, seconds),
        untilGone: () => () => undefined,
      }),
  };
}

/** The runs that a subscriber watches. */
interface Watched {
  readonly wanted: (frame: SyncProgress) => boolean;
  readonly present: () => Promise<SyncRunRow[]>;
  /** Returns the runs that changed in the last `seconds`. */
  readonly recent: (seconds: number) => Promise<SyncRunRow[]>;
  /** Calls `end` when the account no longer exists. Returns a function that stops watching. */
  readonly untilGone: (end: () => void) => () => void;
}

async function* watch(
  bus: Buses['progress'],
  tenantId: string,
  signal: AbortSignal,
  onDrop: () => void,
  { wanted, present, recent, untilGone }: Watched,
): AsyncIterableIterator<SyncProgress> {
  const frames = new Conflated<SyncProgress>({
    keyOf: (frame) => frame.runId,
    maxKeys: MAX_UNREAD_RUNS,
    onEnd: () => {
      unsubscribe();
      stopWaiting();
    },
    onDrop,
  });
  const newest = new Map<string, bigint>();
  const take = (frame: SyncProgress): void => {
    if (!wanted(frame) || frame.sequence <= (newest.get(frame.accountId) ?? -1n)) return;
    newest.set(frame.accountId, frame.sequence);
    frames.push(frame);
  };
  const poll = pollOnRequest(async (seconds) => {
    for (const run of await recent(seconds)) take(progressOf(tenantId, run));
  }, signal);
  const unsubscribe = bus.subscribe(tenantId, take, poll);
  const end = (): void => frames.end();
  const stopWaiting = untilGone(end);
  signal.addEventListener('abort', end);
  if (signal.aborted) end();
  try {
    const seen = new Map<string, bigint>();
    for (const run of await present()) {
      seen.set(run.accountId, run.sequence);
      yield progressOf(tenantId, run);
    }
    for await (const frame of frames) if (frame.sequence > (seen.get(frame.accountId) ?? -1n)) yield frame;
  } finally {
    signal.removeEventListener('abort', end);
    frames.end();
  }
}
