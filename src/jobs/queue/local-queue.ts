import type { Logger } from 'pino';
import type { RunHandler, SyncQueue } from './sync-queue.ts';
import type { WorkerSlots } from './worker-slots.ts';

/**
 * The queue within one process: a message is a hint to look, and who has a place free takes from the rows the run whose
 * turn it is. So several such nodes on one database are one queue too, that looks once a second.
 */
export function createLocalQueue(slots: WorkerSlots, handler: RunHandler, log: Logger): SyncQueue {
  let closed = false;
  /** The look for runs that is under way, and whether somebody has woken us since it began. */
  let looking: Promise<void> | null = null;
  let wokenSince = false;

  function wake(): void {
    wokenSince = true;
    if (closed) return;
    looking ??= look()
      .catch((error: unknown) => log.error({ err: error }, 'runs could not be claimed'))
      .finally(() => {
        looking = null;
        if (wokenSince) wake();
      });
  }

  async function look(): Promise<void> {
    // Not in the caller's turn: who starts a sync gets the answer first.
    await new Promise((resolve) => setImmediate(resolve));
    for (;;) {
      wokenSince = false;
      const slot = slots.take();
      // Whoever leaves a place wakes us.
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
      await looking;
      await stopped;
      // Claimed while it closed: given back at once.
      await slots.close();
    },
  };
}
