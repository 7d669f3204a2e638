/**
 * Returns a function that requests a run of `work`. There is never more than one run at a time: requests of one tick
 * share a run, and all requests during a run share the next one.
 *
 * The returned promise settles with the run that begins after the request. If `work` may fail, the caller must handle
 * its rejection; the next run does not depend on it.
 */
export function coalesced(work: () => Promise<void>): () => Promise<void> {
  let latest: Promise<void> | null = null;
  let requested: Promise<void> | null = null;

  async function runNext(): Promise<void> {
    await latest?.catch(() => {});
    await afterThisTick();
    requested = null;
    latest = work();
    await latest;
  }

  return () => {
    requested ??= runNext();
    return requested;
  };
}

const afterThisTick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
