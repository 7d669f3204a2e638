import type { SyncRun } from '../../generated/prisma/client.ts';
import type { ClaimedRun } from '../../store/runs/claim-run.ts';
import type { RunHandler, StopReason } from './sync-queue.ts';

/** One slot of this process, held from before the claim to the end of the run. */
export interface WorkerSlot {
  /** It is the last free one of several (store/runs/claim-run.ts keeps it for tenants that have nothing running). */
  readonly isLast: boolean;
  /** Carries out a claimed run, then frees the slot. */
  carryOut(claimed: ClaimedRun, onChange?: (run: SyncRun) => void): Promise<void>;
  /** Frees the slot if no run was claimed. */
  leave(): void;
}

/** Limits how many runs this process carries out at once, whether or not a job led to them. */
export interface WorkerSlots {
  /** Returns a free slot, or null if all are taken, or after `close`. */
  take(): WorkerSlot | null;
  /** Aborts the signal of a run in this process. */
  cancel(runId: string): void;
  /** Gives out no more slots, stops all runs, and resolves when they have stopped. */
  close(): Promise<void>;
}

export function createWorkerSlots(concurrency: number, handler: RunHandler): WorkerSlots {
  const running = new Map<string, { controller: AbortController; done: Promise<void> }>();
  let taken = 0;
  let closed = false;

  async function carryOut(claimed: ClaimedRun, onChange?: (run: SyncRun) => void): Promise<void> {
    const { id } = claimed.run;
    const controller = new AbortController();
    // A run that was claimed during `close` is returned like any other.
    if (closed) controller.abort('shutdown' satisfies StopReason);
    const done = handler.carryOut(claimed, controller.signal, onChange).finally(() => running.delete(id));
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
        carryOut: (claimed, onChange) => carryOut(claimed, onChange).finally(leave),
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
