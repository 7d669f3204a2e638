/** Between two questions, in milliseconds: nobody reads counts faster. */
const REST_MS = 700;
/** A question that takes the service long is asked the less often. */
const REST_SHARE = 4;

export interface Pace {
  /** Something is new: ask when it is time. What comes meanwhile is asked for together. */
  readonly want: () => void;
  readonly stop: () => void;
}

/** Asks as often as there is something new, but never twice at once, and with a rest in between. */
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
