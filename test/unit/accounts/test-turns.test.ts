import { expect, test } from 'vitest';
import { TestTurns } from '../../../src/accounts/test-turns.ts';

function started(turns: TestTurns, tenantId: string, signal = new AbortController().signal) {
  const end = Promise.withResolvers<void>();
  let isRunning = false;
  const done = turns.take(tenantId, signal, () => {
    isRunning = true;
    return end.promise;
  });
  done.catch(() => {});
  return { isRunning: () => isRunning, end: () => end.resolve(), done };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test('TestTurns, one tenant with its share running, lets another tenant begin at once', async () => {
  const turns = new TestTurns({ perTenant: 2, inAll: 4, waiting: 2 });
  const mine = [1, 2, 3, 4].map(() => started(turns, 'a'));
  const theirs = started(turns, 'b');
  await settle();
  expect(mine.map((one) => one.isRunning())).toEqual([true, true, false, false]);
  expect(theirs.isRunning()).toBe(true);
  mine[0]!.end();
  await settle();
  expect(mine[2]!.isRunning()).toBe(true);
});

test('TestTurns, a full queue, rejects with TOO_MANY_CONNECTION_TESTS', async () => {
  const turns = new TestTurns({ perTenant: 1, inAll: 4, waiting: 1 });
  const [first, second] = [started(turns, 'a'), started(turns, 'a')];
  await expect(started(turns, 'a').done).rejects.toMatchObject({ code: 'TOO_MANY_CONNECTION_TESTS' });
  first.end();
  await settle();
  expect(second.isRunning()).toBe(true);
});

test('TestTurns, a waiting test whose time is over, rejects and leaves the queue', async () => {
  const turns = new TestTurns({ perTenant: 1, inAll: 1, waiting: 5 });
  const first = started(turns, 'a');
  const abort = new AbortController();
  const late = started(turns, 'b', abort.signal);
  const next = started(turns, 'b');
  abort.abort();
  await expect(late.done).rejects.toMatchObject({ code: 'TOO_MANY_CONNECTION_TESTS' });
  first.end();
  await settle();
  expect([late.isRunning(), next.isRunning()]).toEqual([false, true]);
});
