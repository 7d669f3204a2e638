import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { runsToPreempt } from '../../store/runs/preempt.ts';
import { runPeriodically } from '../run-periodically.ts';

/** Polling interval for runs to preempt, in milliseconds. */
const EVERY_MS = 500;
/**
 * Polling a long queue is slow (docs/scaling.md). The pause is this many times as long, so polling takes at most 10 %.
 */
const REST = 9;

export interface Preemption {
  /**
   * Registers a run that this process has begun; `preempt` is called when the run is to be preempted.
   * @returns a function to call when the run has ended; resolves when polling has stopped, if it was the last run.
   */
  begin(runId: string, preempt: () => void): () => Promise<void>;
}

/** Preempts the runs of this process when their time slices are over. Polls only while runs are registered. */
export function createPreemption(pool: Pool, log: Logger): Preemption {
  const running = new Map<string, () => void>();
  let stop = async (): Promise<void> => {};

  let restsUntil = 0;

  async function poll(): Promise<void> {
    const began = performance.now();
    if (began < restsUntil) return;
    for (const runId of await runsToPreempt(pool)) running.get(runId)?.();
    const ended = performance.now();
    restsUntil = ended + REST * (ended - began);
  }

  return {
    begin(runId, preempt) {
      if (running.size === 0) stop = runPeriodically(EVERY_MS, 'polling for runs to preempt', poll, log);
      running.set(runId, preempt);
      return async () => {
        running.delete(runId);
        if (running.size === 0) await stop();
      };
    },
  };
}
