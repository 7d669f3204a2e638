import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { correctTimes } from '../../store/runs/correct-times.ts';
import { runPeriodically } from '../run-periodically.ts';

/** Polling interval, in milliseconds. */
const EVERY_MS = 30_000;

/**
 * Starts to correct times that a clock wrote while it was ahead, which would delay syncs. Any number of nodes may do so
 * at once.
 * @returns a function that stops it, and resolves when the present correction has ended.
 */
export function startClockCorrection(pool: Pool, intervalMinutes: number, log: Logger): () => Promise<void> {
  return runPeriodically(
    EVERY_MS,
    'correcting times',
    async () => {
      const corrected = await correctTimes(pool, { intervalMinutes });
      if (corrected > 0) log.warn({ corrected }, 'times too far in the future corrected: a clock was wrong');
    },
    log,
  );
}
