import type { Logger } from 'pino';

/**
 * Does `work` every `ms` milliseconds, never twice at once; a failure is logged, and the next time is another try.
 * @returns how to stop; resolves when what is under way has ended.
 */
export function runPeriodically(ms: number, what: string, work: () => Promise<void>, log: Logger): () => Promise<void> {
  let working: Promise<void> | null = null;
  const timer = setInterval(() => {
    working ??= work()
      .catch((error: unknown) => log.error({ err: error }, `${what} failed`))
      .finally(() => {
        working = null;
      });
  }, ms);
  return async () => {
    clearInterval(timer);
    await working;
  };
}
