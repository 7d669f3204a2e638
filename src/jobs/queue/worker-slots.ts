import type { SyncRun } from '../../generated/prisma/client.ts';
import type { ClaimedRun } from '../../store/runs/claim-run.ts';
import type { RunHandler, StopReason } from './sync-queue.ts';

/** One of the places of this process, held from before the claim to the end of the run. */
export interface WorkerSlot {
  /** It is the only free one of several (store/runs/claim-run.ts keeps it for tenants that have nothing running). */
  readonly isLast: boolean;
  /** Carries a claimed run out, then leaves. */
  carryOut(claimed: ClaimedRun, tell?: (run: SyncRun) => void): Promise<void>;
  /** Nothing was claimed. */
  leave(): void;
}

/** How many runs go on at once in this process, however they come to it. */
export interface WorkerSlots {
  /** Null when all are taken, or after `close`. */
  take(): WorkerSlot | null;
  /** Aborts the signal of a run that goes on here. */
  cancel(runId: string): void;
  /** Gives no more places, stops all that runs, resolves when it has stopped. */
  close(): Promise<void>;
}

export function createWorkerSlots(concurrency: number, handler: RunHandler): WorkerSlots {
  const running = new Map<string, { controller: AbortController; done: Promise<void> }>();
  let taken = 0;
  let closed = false;

  async function carryOut(claimed: ClaimedRun, tell?: (run: SyncRun) => void): Promise<void> {
    const { id } = claimed.run;
    const controller = new AbortController();
    // Claimed while we were told to stop: it is given back as any other.
    if (closed) controller.abort('shutdown' satisfies StopReason);
    const done = handler.carryOut(claimed, controller.signal, tell).finally(() => running.delete(id));
    running.set(id, { controller, done });
    await done;
  }

  return {
    take() {
      if (closed || taken >= concurrency) return null;
      taken += 1;
      let left = false;
      const leave = (): void => {
        if (!left) taken -= 1;
        left = true;
      };
      return {
        isLast: concurrency > 1 && taken === concurrency,
        carryOut: (claimed, tell) => carryOut(claimed, tell).finally(leave),
        leave,
      };
    },
    cancel(runId) {
      running.get(runId)?.controller.abort('cancelled' satisfies StopReason);
    },
    async close() {
      closed = true;
      for (const { controller } of running.values()) controller.abort('shutdown' satisfies StopReason);
      await Promise.all([...running.values()].map(({ done }) => done));
    },
  };
}
