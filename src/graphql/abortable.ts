/**
 * Returns an iterator that aborts its source when its reader leaves, or when `outer` is aborted. An async generator
 * that waits for its next value handles `return()` only after that value, so an idle feed would never end.
 */
export function abortable<T>(
  outer: AbortSignal,
  open: (signal: AbortSignal) => AsyncIterator<T>,
): AsyncIterableIterator<T> {
  const left = new AbortController();
  const source = open(AbortSignal.any([outer, left.signal]));
  return {
    next: () => source.next(),
    async return() {
      left.abort();
      await source.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
