import { expect, test } from 'vitest';
import { askedTogether } from '../../../src/sync/asked-together.ts';

const pending = (count: number, attempts = 0, size = 10) =>
  Array.from({ length: count }, (_, i) => ({ uid: 1000 - i, size, attempts, internalDate: null }));
const LIMIT = { messages: 500, bytes: 1000 };

test('askedTogether, pending messages, returns as many as the limits allow', () => {
  expect(askedTogether(pending(600), LIMIT)).toHaveLength(100);
  expect(askedTogether(pending(600, 0, 1), LIMIT)).toHaveLength(500);
  expect(askedTogether(pending(3, 0, 5000), LIMIT)).toHaveLength(1);
  expect(askedTogether([], LIMIT)).toEqual([]);
});

test('askedTogether, after failed attempts, returns fewer, without untried ones', () => {
  expect([1, 2, 3, 9].map((attempts) => askedTogether(pending(600, attempts, 1), LIMIT).length)).toEqual([62, 7, 1, 1]);
  expect(askedTogether([...pending(5, 1, 1), ...pending(5, 0, 1)], LIMIT)).toHaveLength(5);
});
