import { setTimeout as pause } from 'node:timers/promises';
import { coalesced } from '../coalesced.ts';

/** Seconds that a poll looks back beyond the last one, for clock differences and late commits. */
const LOOK_BACK_SECONDS = 5;
/** Delay before a failed poll is repeated, in ms. */
const POLL_AGAIN_MS = 1_000;

/**
 * Returns a function that requests a `poll`. One poll serves all requests since the previous one began, and it is
 * repeated until it succeeds. `poll` receives the seconds since the last success.
 */
export function pollOnRequest(poll: (seconds: number) => Promise<void>, signal: AbortSignal): () => void {
  let polledAt = performance.now();
  const request = coalesced(async () => {
    if (signal.aborted) return;
    const began = performance.now();
    try {
      await poll((began - polledAt) / 1000 + LOOK_BACK_SECONDS);
      polledAt = began;
    } catch {
      void request();
      await pause(POLL_AGAIN_MS, undefined, { ref: false });
    }
  });
  return () => void request();
}
