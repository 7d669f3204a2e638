import { expect, test } from 'vitest';
import { expectNothingLostOverNonsense } from '../../lab/scripted-servers/nonsense.ts';
import { FOUND } from '../../lab/scripted-servers/odd-found.ts';

/** In milliseconds. `npm run test:long` takes ten minutes (test/long/nonsense.test.ts). */
const RUN_FOR = 60_000;

test('the engine, invalid answers in any field, stores all valid data', {
  timeout: 5 * RUN_FOR,
}, async () => {
  expect(await expectNothingLostOverNonsense(RUN_FOR, FOUND)).toBeGreaterThanOrEqual(10);
});
