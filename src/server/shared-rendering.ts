const MINUTE_MS = 60_000;

export interface SharedRenderingOptions {
  /** How long a failure is remembered, in ms. */
  readonly failureMs?: number;
  /** Failures that are remembered; the oldest are forgotten first. */
  readonly maxFailures?: number;
}

/**
 * Renders a page once for all concurrent requests, and remembers failures for a while, because each attempt takes the
 * whole time limit of one message. Rendered pages are not cached.
 * @param isLasting whether a failure is caused by the page itself; others are not remembered
 */
export function createSharedRendering(
  isLasting: (error: unknown) => boolean,
  { failureMs = 10 * MINUTE_MS, maxFailures = 1000 }: SharedRenderingOptions = {},
) {
  const underWay = new Map<string, Promise<string>>();
  const failures = new Map<string, { readonly error: unknown; readonly until: number }>();

  async function renderNow(key: string, render: () => Promise<string>): Promise<string> {
    try {
      return await render();
    } catch (error) {
      if (isLasting(error)) {
        failures.delete(key);
        failures.set(key, { error, until: performance.now() + failureMs });
        if (failures.size > maxFailures) failures.delete(failures.keys().next().value!);
      }
      throw error;
    } finally {
      underWay.delete(key);
    }
  }

  return async (key: string, render: () => Promise<string>): Promise<string> => {
    const failure = failures.get(key);
    if (failure && failure.until > performance.now()) throw failure.error;
    let page = underWay.get(key);
    if (!page) {
      page = renderNow(key, render);
      underWay.set(key, page);
    }
    return page;
  };
}
