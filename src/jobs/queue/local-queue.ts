import type { Logger } from 'pino';
import type { RunHandler, SyncQueue } from './sync-queue.ts';
import type { WorkerSlots } from './worker-slots.ts';

/**
 * The queue within one process. A dispatch only wakes it: while a slot is free, it claims the next run from the
 * database. Several such nodes on one database therefore share one queue, which each polls once a second.
 */
export function createLocalQueue(slots: WorkerSlots, handler: RunHandler, log: Logger): SyncQueue {
  let closed = false;
  /** The poll in progress, and whether `wake` was called since it began. */
  let polling: Promise<void> | null = null;
  let wokenSince = false;

  function wake(): void {
    wokenSince = true;
    if (closed) return;
    polling ??= poll()
      .catch((error: unknown) => log.error({ err: error }, 'runs could not be claimed'))
      .finally(() => {
        polling = null;
        if (wokenSince) wake();
      });
  }

  async function poll(): Promise<void> {
    // Not before the caller returns: a client that starts a sync gets its answer first.
    await new Promise((resolve) => setImmediate(resolve));
    for (;;) {
      wokenSince = false;
      const slot = slots.take();
      // A run that leaves its slot wakes the queue again.
      if (!slot) return;
      const claimed = await handler.claim(slot.isLast).catch((error: unknown) => {
        slot.leave();
        throw error;
      });
      if (claimed) void slot.carryOut(claimed).finally(wake);
      else {
        slot.leave();
        if (!wokenSince) return;
      }
    }
  }

  return {
    dispatch: wake,
    cancel: ({ id }) => slots.cancel(id),
    async reconcile() {
      wake();
    },
    async close() {
      closed = true;
      const stopped = slots.close();
      await polling;
      await stopped;
      // Runs that were claimed meanwhile are returned at once.
      await slots.close();
    },
  };
}
