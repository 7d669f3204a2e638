import { setImmediate as nextTick } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { coalesced } from '../../src/coalesced.ts';

/** Work whose runs end when the test resolves them. */
function controlledWork() {
  const runs: PromiseWithResolvers<void>[] = [];
  let running = 0;
  let mostRunning = 0;
  const request = coalesced(async () => {
    mostRunning = Math.max(mostRunning, ++running);
    const run = Promise.withResolvers<void>();
    runs.push(run);
    await run.promise.finally(() => running--);
  });
  return {
    request,
    counts: () => ({ runs: runs.length, mostRunning }),
    /** Resolves when so many runs have begun, with the last of them. */
    begun: async (count: number) => {
      while (runs.length < count) await nextTick();
      return runs[count - 1]!;
    },
  };
}

test('coalesced, requests of one tick, share a run that begins after it', async () => {
  const { request, counts, begun } = controlledWork();
  const requests = [request(), request(), request()];
  expect(counts().runs).toBe(0);
  (await begun(1)).resolve();
  await Promise.all(requests);
  await nextTick();
  expect(counts()).toEqual({ runs: 1, mostRunning: 1 });
});

test('coalesced, requests during a run, share one run after it', async () => {
  const { request, counts, begun } = controlledWork();
  const early = request();
  const first = await begun(1);
  let areLateSettled = false;
  const late = Promise.all([request(), request()]).finally(() => {
    areLateSettled = true;
  });
  first.resolve();
  await early;
  const second = await begun(2);
  expect(areLateSettled).toBe(false);
  second.resolve();
  await late;
  await nextTick();
  expect(counts()).toEqual({ runs: 2, mostRunning: 1 });
});

test('coalesced, a request by the work itself, leads to another run', async () => {
  const { request, counts, begun } = controlledWork();
  const early = request();
  const first = await begun(1);
  const own = first.promise.then(request);
  first.resolve();
  await early;
  (await begun(2)).resolve();
  await own;
  expect(counts()).toEqual({ runs: 2, mostRunning: 1 });
});

test('coalesced, a failed run, rejects its own requests only', async () => {
  const { request, begun } = controlledWork();
  const failing = request();
  const first = await begun(1);
  const next = request();
  first.reject(new Error('no database'));
  await expect(failing).rejects.toThrow('no database');
  (await begun(2)).resolve();
  await expect(next).resolves.toBeUndefined();
});
