import { expect, test, vi } from 'vitest';
import { createSharedRendering } from '../../../src/server/shared-rendering.ts';

const always = () => true;
const failing = () => vi.fn(() => Promise.reject(new Error('too complicated')));

test('sharedRendering, several readers of a page at once, renders it once', async () => {
  const rendering = createSharedRendering(always);
  const render = vi.fn(async () => 'page');
  const pages = await Promise.all([1, 2, 3].map(() => rendering('a', render)));
  expect([pages, render.mock.calls.length]).toEqual([['page', 'page', 'page'], 1]);
  await rendering('a', render);
  expect(render).toHaveBeenCalledTimes(2);
});

test('sharedRendering, a page that cannot be rendered, is not retried for a while', async () => {
  const rendering = createSharedRendering(always, { failureMs: 50 });
  const render = failing();
  for (let i = 0; i < 5; i++) await expect(rendering('a', render)).rejects.toThrow('too complicated');
  expect(render).toHaveBeenCalledTimes(1);
  await expect.poll(() => rendering('a', async () => 'page').catch(() => null)).toBe('page');
});

test('sharedRendering, a failure unrelated to the page, is not remembered', async () => {
  const rendering = createSharedRendering(() => false);
  const render = failing();
  for (let i = 0; i < 2; i++) await expect(rendering('a', render)).rejects.toThrow();
  expect(render).toHaveBeenCalledTimes(2);
});

test('sharedRendering, more failures than its limit, forgets the oldest', async () => {
  const rendering = createSharedRendering(always, { maxFailures: 2 });
  const render = failing();
  for (const key of ['a', 'b', 'c', 'c', 'b', 'a']) await expect(rendering(key, render)).rejects.toThrow();
  expect(render).toHaveBeenCalledTimes(4);
});
