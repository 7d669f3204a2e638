import type { Pool } from 'pg';
import { progressOf, type SyncProgress, type SyncRunRow } from '../domain/progress.ts';
import { activeRuns, newestRun } from '../store/runs/present-progress.ts';
import { Conflated } from './conflated.ts';
import type { ProgressBus } from './progress-bus.ts';
import type { ProgressFeed } from './progress-feed.ts';

/** Unread runs that are kept for a slow subscriber; some 500 bytes each. */
const MAX_UNREAD_RUNS = 1000;

/**
 * Subscribers get the state that the rows hold at once, then the bus. They listen before they look, and drop what is
 * not newer than what they have, so that nothing falls between the two and nothing goes backwards: a worker and who
 * cancels its run commit one after the other, but may publish in any order, and the last frame must stay the last.
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
      ),
    ofTenant: (tenantId, signal) =>
      watch(
        bus,
        tenantId,
        signal,
        onDrop,
        () => true,
        () => activeRuns(pool, tenantId),
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
): AsyncIterableIterator<SyncProgress> {
  const frames = new Conflated<SyncProgress>({
    keyOf: (frame) => frame.runId,
    maxKeys: MAX_UNREAD_RUNS,
    onEnd: () => unsubscribe(),
    onDrop,
  });
  const newest = new Map<string, bigint>();
  const unsubscribe = bus.subscribe(tenantId, (frame) => {
    if (!wanted(frame) || frame.sequence <= (newest.get(frame.accountId) ?? -1n)) return;
    newest.set(frame.accountId, frame.sequence);
    frames.push(frame);
  });
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
