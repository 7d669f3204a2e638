/** A look at what was missed goes back further than the time since the last one, for clocks and commits; in seconds. */
const LOOK_BACK_SECONDS = 5;
/** When the database did not answer, in milliseconds. */
const LOOK_AGAIN_MS = 1_000;

/**
 * What does `look` once for all who asked since the last one began, and again until it works. `look` gets the seconds
 * since the last one that worked.
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
