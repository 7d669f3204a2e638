import type { Logger } from 'pino';
import type { ClaimedRun } from '../store/runs/claim-run.ts';
import type { RunHandler, StopReason, SyncQueue } from './sync-queue.ts';

/** The queue within one process: takes runs as long as it has places, at most `concurrency` at a time. */
export function createLocalQueue(concurrency: number, handler: RunHandler, log: Logger): SyncQueue {
  const running = new Map<string, { controller: AbortController; done: Promise<void> }>();
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
        if (wokenSince && running.size < concurrency) wake();
      });
  }

  async function look(): Promise<void> {
    // Not in the caller's turn: who starts a sync gets the answer first.
    await new Promise((resolve) => setImmediate(resolve));
    while (!closed && running.size < concurrency) {
      wokenSince = false;
      const claimed = await handler.claim(concurrency > 1 && running.size === concurrency - 1);
      if (claimed) begin(claimed);
      else if (!wokenSince) return;
    }
  }

  function begin(claimed: ClaimedRun): void {
    const { id } = claimed.run;
    const controller = new AbortController();
    // Claimed while we were told to stop: it is given back as any other.
    if (closed) controller.abort('shutdown' satisfies StopReason);
    const done = handler.carryOut(claimed, controller.signal).finally(() => {
      running.delete(id);
      wake();
    });
    running.set(id, { controller, done });
  }

  return {
    wake,
    cancel(runId) {
      running.get(runId)?.controller.abort('cancelled' satisfies StopReason);
    },
    async close() {
      closed = true;
      for (const { controller } of running.values()) controller.abort('shutdown' satisfies StopReason);
      await looking;
      await Promise.all([...running.values()].map(({ done }) => done));
    },
  };
}
