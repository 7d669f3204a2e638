import type { Logger } from 'pino';
import { coalesced } from '../../coalesced.ts';
import type { RunHandler, SyncQueue } from './sync-queue.ts';
import type { WorkerSlots } from './worker-slots.ts';

/**
 * The queue within one process. A dispatch only wakes it: while a slot is free, it claims the next run from the
 * database. Several such nodes on one database therefore share one queue, which each polls once a second.
 */
export function createLocalQueue(slots: WorkerSlots, handler: RunHandler, log: Logger): SyncQueue {
  // A claim begins after the caller's tick: a client that starts a sync gets its answer first.
  const wake = coalesced(async () => {
    const slot = slots.take();
    // A run that leaves its slot wakes the queue again.
    if (!slot) return;
    const claimed = await handler.claim(slot.isLast).catch((error: unknown) => {
      log.error({ err: error }, 'runs could not be claimed');
      return null;
    });
    if (!claimed) {
      slot.leave();
      return;
    }
    void slot.carryOut(claimed).finally(() => void wake());
    // There may be another one.
    void wake();
  });

  return {
    dispatch: () => void wake(),
    cancel: ({ id }) => slots.cancel(id),
    async reconcile() {
      void wake();
    },
    async close() {
      const stopped = slots.close();
      // Without a free slot, this only awaits a claim in progress.
      await wake();
      await stopped;
      // Runs that were claimed meanwhile are returned at once.
      await slots.close();
    },
  };
}
