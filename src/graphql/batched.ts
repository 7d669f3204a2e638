/**
 * Batches loads: the keys that fields request while graphql-js walks a list are loaded with one call. Nothing is
 * cached.
 */
export function batched<Key, Value>(
  load: (keys: readonly Key[]) => Promise<ReadonlyMap<Key, Value>>,
): (key: Key) => Promise<Value | undefined> {
  let waiting: { keys: Set<Key>; values: Promise<ReadonlyMap<Key, Value>> } | null = null;
  return async (key) => {
    waiting ??= { keys: new Set(), values: afterThisTick().then(loadWaiting) };
    waiting.keys.add(key);
    return (await waiting.values).get(key);
  };

  function loadWaiting(): Promise<ReadonlyMap<Key, Value>> {
    const { keys } = waiting!;
    waiting = null;
    return load([...keys]);
  }
}

const afterThisTick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
