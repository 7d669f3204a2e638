/** Seconds that a poll looks back beyond the last one, for clock differences and late commits. */
const LOOK_BACK_SECONDS = 5;
/** Delay before a failed poll is repeated, in ms. */
const LOOK_AGAIN_MS = 1_000;

/**
 * Returns a function that combines requests: one `look` serves all calls since the previous one began, and it repeats
 * until it succeeds. `look` receives the seconds since the last success.
 */
export function coalesce(look: (seconds: number) => Promise<void>, signal: AbortSignal): () => void {
  let lookedAt = performance.now();
  let looking = false;
  let asked = false;
  return function ask(): void {
    asked = true;
    if (looking || signal.aborted) return;
    looking = true;
    asked = false;
    const began = performance.now();
    look((began - lookedAt) / 1000 + LOOK_BACK_SECONDS).then(
      () => {
        lookedAt = began;
        looking = false;
        if (asked) ask();
      },
      () => {
        setTimeout(() => {
          looking = false;
          ask();
        }, LOOK_AGAIN_MS).unref();
      },
    );
  };
}
