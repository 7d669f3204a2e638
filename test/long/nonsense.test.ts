import { expect, test } from 'vitest';
import { expectNothingLostOverNonsense } from '../../lab/scripted-servers/nonsense.ts';

/** In milliseconds. */
const RUN_FOR = 600_000;

test('the engine, ten minutes of invalid answers, stores all valid data', {
  timeout: 2 * RUN_FOR,
}, async () => {
  expect(await expectNothingLostOverNonsense(RUN_FOR, [])).toBeGreaterThanOrEqual(100);
});
