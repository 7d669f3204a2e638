import { expect, test } from 'vitest';
import { type ModseqCursor, nextCursor } from '../../../src/sync/cursor.ts';

const NONE: ModseqCursor = { highestModseq: null, laggingModseq: null, laggingSince: null };
const minute = (minutes: number): Date => new Date(minutes * 60_000);
const pass = (known: ModseqCursor, highestModseq: bigint | null, minutes: number, isGmail = true): ModseqCursor =>
  nextCursor(known, { highestModseq }, { isGmail, isNew: known === NONE, at: minute(minutes) });

test('the cursor is the HIGHESTMODSEQ of the SELECT that opened the pass', () => {
  expect(pass(NONE, 100n, 0, false)).toEqual({ ...NONE, highestModseq: 100n });
  expect(pass({ ...NONE, highestModseq: 100n }, null, 1, false)).toEqual(NONE);
});

test('on Gmail, the cursor lags by one pass, and at least a minute', () => {
  const first = pass(NONE, 100n, 0);
  expect(first.highestModseq).toBeNull();
  const hasty = pass(first, 105n, 0.5);
  expect(hasty.highestModseq).toBeNull();
  const second = pass(hasty, 110n, 2);
  expect(second.highestModseq).toBe(100n);
  const third = pass(second, 110n, 4);
  expect(third.highestModseq).toBe(110n);
  // Without changes, the next STATUS equals the cursor.
  expect(pass(third, 110n, 6).highestModseq).toBe(110n);
});

test('on Gmail, after a clock that was ahead, the minute begins again', () => {
  const ahead = pass(pass(NONE, 100n, 0), 105n, 24 * 60);
  const right = pass(ahead, 110n, 2);
  expect(right).toEqual({ highestModseq: 100n, laggingModseq: 110n, laggingSince: minute(2) });
  expect(pass(right, 110n, 4).highestModseq).toBe(110n);
});

test('another UIDVALIDITY resets the cursor', () => {
  const known: ModseqCursor = { highestModseq: 500n, laggingModseq: 510n, laggingSince: minute(0) };
  const next = nextCursor(known, { highestModseq: 7n }, { isGmail: true, isNew: true, at: minute(9) });
  expect(next).toEqual({ highestModseq: null, laggingModseq: 7n, laggingSince: minute(9) });
});
