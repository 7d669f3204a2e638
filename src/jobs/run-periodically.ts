import type { Logger } from 'pino';

/**
 * Runs `work` every `ms` milliseconds without overlap. Failures are logged and retried at the next interval.
 * @returns a function that stops it, and resolves when the present run of `work` has ended.
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
