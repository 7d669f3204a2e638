import { describe, expect, test } from 'vitest';
import { transactionTime } from '../../src/store/embedded/transaction-time.ts';

/** The transaction time after these transactions, each with whether a client waited. */
function after(...waits: readonly (readonly [times: number, waiting: boolean])[]): number {
  const pool = { totalCount: 4, idleCount: 4, waitingCount: 0 };
  const next = transactionTime(pool);
  let ms = 0;
  for (const [times, waiting] of waits) {
    pool.idleCount = waiting ? 3 : 4;
    for (let i = 0; i < times; i++) ms = next();
  }
  return ms;
}

describe('transactions of a sync in the embedded database', () => {
  test('are short at first, and while clients wait', () => {
    expect(after([1, true])).toBe(10);
    expect(after([50, true])).toBe(10);
  });

  test('may take six times as long while no client waits', () => expect(after([50, false])).toBe(60));

  test('are short again soon after a client waits', () => {
    expect(after([50, false], [1, true])).toBe(60);
    expect(after([50, false], [12, true])).toBeLessThan(15);
  });

  test('take a medium time if only some are waited for', () => {
    const sometimes = after(...Array.from({ length: 40 }, (_, i) => [1, i % 2 > 0] as const));
    expect(sometimes).toBeGreaterThan(15);
    expect(sometimes).toBeLessThan(30);
  });

  test('count clients that wait for a connection, too', () => {
    const next = transactionTime({ totalCount: 4, idleCount: 4, waitingCount: 1 });
    expect([next(), next()]).toEqual([10, 10]);
  });
});
