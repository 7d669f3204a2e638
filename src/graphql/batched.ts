/**
 * Asks once for what many fields of an answer want: the keys that are asked for while graphql-js goes along a list are
 * loaded together. Nothing is kept for later.
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
