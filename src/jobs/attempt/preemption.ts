import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { runsGivingWay } from '../../store/runs/preempt.ts';
import { every } from '../run-periodically.ts';

/** How often the rows are asked whether somebody waits for a place, in milliseconds. */
const EVERY_MS = 500;
/** Looking takes long when very many wait (docs/scaling.md): then it is done more seldom, a tenth of the time at most. */
const REST = 9;

export interface Turns {
  /**
   * A run has begun its turn in this process; `giveWay` is called when it is to end.
   * @returns to be called when it has ended; resolves when nothing is asked for it any more.
   */
  begin(runId: string, giveWay: () => void): () => Promise<void>;
}

/** Looks after the turns of the runs of this process, as long as there are any. */
export function createTurns(pool: Pool, log: Logger): Turns {
  const running = new Map<string, () => void>();
  let stop = async (): Promise<void> => {};

  let restsUntil = 0;

  async function look(): Promise<void> {
    const began = performance.now();
    if (began < restsUntil) return;
    for (const runId of await runsGivingWay(pool)) running.get(runId)?.();
    const ended = performance.now();
    restsUntil = ended + REST * (ended - began);
  }

  return {
    begin(runId, giveWay) {
      if (running.size === 0) stop = every(EVERY_MS, 'looking for who waits for a place', look, log);
      running.set(runId, giveWay);
      return async () => {
        running.delete(runId);
        if (running.size === 0) await stop();
      };
    },
  };
}
