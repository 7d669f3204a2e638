import type { RunHandler, StopReason, SyncQueue } from './sync-queue.ts';

/** The queue within one process: first come, first served, at most `concurrency` at a time. */
export function createLocalQueue(concurrency: number, handle: RunHandler): SyncQueue {
  const waiting = new Set<string>();
  const running = new Map<string, { controller: AbortController; done: Promise<void> }>();
  let closed = false;

  function startNext(): void {
    while (!closed && running.size < concurrency) {
      const [runId] = waiting;
      if (runId === undefined) return;
      waiting.delete(runId);
      const controller = new AbortController();
      const done = handle(runId, controller.signal).finally(() => {
        running.delete(runId);
        startNext();
      });
      running.set(runId, { controller, done });
    }
  }

  return {
    dispatch(runId) {
      if (closed || running.has(runId)) return;
      waiting.add(runId);
      // Not in the caller's turn: who starts a sync gets the answer first.
      setImmediate(startNext);
    },
    cancel(runId) {
      waiting.delete(runId);
      running.get(runId)?.controller.abort('cancelled' satisfies StopReason);
    },
    async close() {
      closed = true;
      waiting.clear();
      for (const { controller } of running.values()) controller.abort('shutdown' satisfies StopReason);
      await Promise.all([...running.values()].map(({ done }) => done));
    },
  };
}
