import type { Pool } from 'pg';
import { progressOf, type SyncProgress, type SyncRunRow } from '../domain/progress.ts';
import { activeRuns, newestRun, recentRuns } from '../store/runs/present-progress.ts';
import { Conflated } from './conflated.ts';
import type { ProgressBus } from './progress-bus.ts';
import type { ProgressFeed } from './progress-feed.ts';
import { repeatable } from './repeatable.ts';

/** Unread runs that are kept for a slow subscriber; some 500 bytes each. */
const MAX_UNREAD_RUNS = 1000;

/**
 * Subscribers get the state that the rows hold at once, then the bus. They listen before they look, and drop what is
 * not newer than what they have, so that nothing falls between the two and nothing goes backwards: a worker and who
 * cancels its run commit one after the other, but may publish in any order, and the last frame must stay the last.
 * What the bus may have missed (another node's frames, while it could not hear them) is read from the rows.
 * @param onDrop called for each frame that a slow subscriber does not get
 */
export function createProgressFeed(pool: Pool, bus: ProgressBus, onDrop = (): void => {}): ProgressFeed {
  return {
    ofAccount: (tenantId, accountId, signal) =>
      watch(
        bus,
        tenantId,
        signal,
        onDrop,
        (frame) => frame.accountId === accountId,
        async () => {
          const run = await newestRun(pool, tenantId, accountId);
          return run ? [run] : [];
        },
        (seconds) => recentRuns(pool, tenantId, accountId, seconds),
      ),
    ofTenant: (tenantId, signal) =>
      watch(
        bus,
        tenantId,
        signal,
        onDrop,
        () => true,
        () => activeRuns(pool, tenantId),
        (seconds) => recentRuns(pool, tenantId, null, seconds),
      ),
  };
}

async function* watch(
  bus: ProgressBus,
  tenantId: string,
  signal: AbortSignal,
  onDrop: () => void,
  wanted: (frame: SyncProgress) => boolean,
  present: () => Promise<SyncRunRow[]>,
  recent: (seconds: number) => Promise<SyncRunRow[]>,
): AsyncIterableIterator<SyncProgress> {
  const frames = new Conflated<SyncProgress>({
    keyOf: (frame) => frame.runId,
    maxKeys: MAX_UNREAD_RUNS,
    onEnd: () => unsubscribe(),
    onDrop,
  });
  const newest = new Map<string, bigint>();
  const take = (frame: SyncProgress): void => {
    if (!wanted(frame) || frame.sequence <= (newest.get(frame.accountId) ?? -1n)) return;
    newest.set(frame.accountId, frame.sequence);
    frames.push(frame);
  };
  const looks = repeatable(async (seconds) => {
    for (const run of await recent(seconds)) take(progressOf(tenantId, run));
  }, signal);
  const unsubscribe = bus.subscribe(tenantId, take, looks);
  const end = (): void => frames.end();
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
