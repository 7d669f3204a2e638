/** Minimum pause between two requests, in ms. Nobody reads counts faster. */
const REST_MS = 700;
/** The pause is at least this many times as long as the last request took. */
const REST_SHARE = 4;

export interface Pace {
  /** Requests the news, once the pause is over. Calls during the pause are combined. */
  readonly want: () => void;
  readonly stop: () => void;
}

/** Calls `ask` when something is new, without overlap, and with a pause after each call. */
export function paced(ask: () => Promise<void>): Pace {
  let isWanted = false;
  let isResting = false;
  let rest: ReturnType<typeof setTimeout> | undefined;

  async function go(): Promise<void> {
    isWanted = false;
    isResting = true;
    const start = performance.now();
    await ask();
    const took = performance.now() - start;
    rest = setTimeout(
      () => {
        isResting = false;
        if (isWanted) void go();
      },
      Math.max(REST_MS, took * REST_SHARE),
    );
  }

  return {
    want() {
      isWanted = true;
      if (!isResting) void go();
    },
    stop: () => {
      isWanted = false;
      isResting = true;
      clearTimeout(rest);
    },
  };
}
