import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { paced } from '../../../src/ui/account-detail/pace.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** How often it was asked, each time for so long. */
function asking(ms: number) {
  const asked = vi.fn(() => new Promise<void>((resolve) => setTimeout(resolve, ms)));
  return { asked, pace: paced(asked) };
}

test('news are asked for at once, and what comes meanwhile together, after a rest', async () => {
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

test('an answer that takes long is asked for less often, and nobody who left asks', async () => {
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
