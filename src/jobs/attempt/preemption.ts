import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { runsToPreempt } from '../../store/runs/preempt.ts';
import { runPeriodically } from '../run-periodically.ts';

/** How often the rows are asked whether somebody waits for a place, in milliseconds. */
const EVERY_MS = 500;
/** Looking takes long when very many wait (docs/scaling.md): then it is done more seldom, a tenth of the time at most. */
const REST = 9;

export interface Preemption {
  /**
   * A run has begun its turn in this process; `preempt` is called when it is to end.
   * @returns to be called when it has ended; resolves when nothing is asked for it any more.
   */
  begin(runId: string, preempt: () => void): () => Promise<void>;
}

/** Looks after the turns of the runs of this process, as long as there are any. */
export function createPreemption(pool: Pool, log: Logger): Preemption {
  const running = new Map<string, () => void>();
  let stop = async (): Promise<void> => {};

  let restsUntil = 0;

  async function look(): Promise<void> {
    const began = performance.now();
    if (began < restsUntil) return;
    for (const runId of await runsToPreempt(pool)) running.get(runId)?.();
    const ended = performance.now();
    restsUntil = ended + REST * (ended - began);
  }

  return {
    begin(runId, preempt) {
      if (running.size === 0) stop = runPeriodically(EVERY_MS, 'looking for who waits for a place', look, log);
      running.set(runId, preempt);
      return async () => {
        running.delete(runId);
        if (running.size === 0) await stop();
      };
    },
  };
}
