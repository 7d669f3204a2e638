import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { paced } from '../../../src/ui/account-detail/pace.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** How often the query ran; each takes that long. */
function asking(ms: number) {
  const asked = vi.fn(() => new Promise<void>((resolve) => setTimeout(resolve, ms)));
  return { asked, pace: paced(asked) };
}

test('paced, a first change queries at once, further ones together after a pause', async () => {
  const { asked, pace } = asking(10);
  for (let news = 0; news < 50; news++) pace.want();
  expect(asked).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(709);
  expect(asked).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(asked).toHaveBeenCalledTimes(2);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked, 'nothing new').toHaveBeenCalledTimes(2);
});

test('paced, a slow query runs less often, and not after its view has closed', async () => {
  const { asked, pace } = asking(1000);
  pace.want();
  pace.want();
  await vi.advanceTimersByTimeAsync(4999);
  expect(asked).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(asked).toHaveBeenCalledTimes(2);
  pace.want();
  pace.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toHaveBeenCalledTimes(2);
});
