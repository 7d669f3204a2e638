import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { correctTimes } from '../../store/runs/correct-times.ts';
import { runPeriodically } from '../run-periodically.ts';

/** How often times in the future are looked for, in milliseconds. */
const EVERY_MS = 30_000;

/**
 * Keeps a clock that was ahead for a while from delaying syncs until the times that it wrote. Any number of nodes may do
 * so.
 * @returns how to stop; resolves when what is under way has ended.
 */
export function startClockCorrection(pool: Pool, intervalMinutes: number, log: Logger): () => Promise<void> {
  return runPeriodically(
    EVERY_MS,
    'correcting times',
    async () => {
      const corrected = await correctTimes(pool, { intervalMinutes });
      if (corrected > 0) log.warn({ corrected }, 'times too far in the future are corrected: the clock was wrong');
    },
    log,
  );
}
