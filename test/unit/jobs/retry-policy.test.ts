import { describe, expect, test } from 'vitest';
import { ERRORS, type ErrorCode, MailtideError } from '../../../src/errors.ts';
import { reactionTo } from '../../../src/jobs/attempt/retry-policy.ts';

const SETTINGS = { maxRetries: 3, baseSeconds: 60 };
const MIDDLE = 0.5;
const failed = (
  code: ErrorCode,
  retries = 0,
  { madeHeadway = false, hasSynced = false, random = MIDDLE, retryAfterMs = 0 } = {},
) => {
  const error = new MailtideError(code, retryAfterMs ? { retryAfterMs } : {});
  return reactionTo(error, { retries, madeHeadway, hasSynced }, SETTINGS, random);
};

test('a transient error is retried, after doubled delays, up to the setting', () => {
  expect([0, 1, 2, 3].map((retries) => failed('IMAP_TIMEOUT', retries))).toEqual([
    { kind: 'retry', delayMs: 60_000, retries: 1, throttled: false },
    { kind: 'retry', delayMs: 120_000, retries: 2, throttled: false },
    { kind: 'retry', delayMs: 240_000, retries: 3, throttled: false },
    { kind: 'fail', needsAuth: false },
  ]);
});

test('the delay varies by a tenth in both directions', () => {
  expect(failed('IMAP_TIMEOUT', 0, { random: 0 })).toMatchObject({ delayMs: 54_000 });
  expect(failed('IMAP_TIMEOUT', 0, { random: 1 })).toMatchObject({ delayMs: 66_000 });
});

test('an attempt with progress resets the count', () => {
  expect(failed('IMAP_CONNECTION_LOST', 3, { madeHeadway: true })).toMatchObject({ retries: 1, delayMs: 60_000 });
});

test.each(Object.keys(ERRORS) as ErrorCode[])('reactionTo, %s, follows the table of errors', (code) => {
  const reaction = failed(code);
  const { run } = ERRORS[code];
  if (run === 'retry') expect(reaction).toMatchObject({ kind: 'retry' });
  else expect(reaction).toEqual({ kind: 'fail', needsAuth: run === 'needs-auth' });
});

test('a mailbox that cannot be opened, is retried for an hour if the account has synced before', () => {
  const code = 'MAILBOX_NOT_ACCESSIBLE';
  expect(failed(code)).toEqual({ kind: 'fail', needsAuth: true });
  let waitedMs = 0;
  for (let retries = 0; ; retries++) {
    const reaction = failed(code, retries, { hasSynced: true });
    if (reaction.kind === 'fail') {
      expect(reaction.needsAuth).toBe(true);
      break;
    }
    waitedMs += reaction.delayMs;
  }
  expect(waitedMs / 60_000).toBe(63);
  // The mailbox was open meanwhile.
  expect(failed(code, 9, { hasSynced: true, madeHeadway: true })).toMatchObject({ kind: 'retry', delayMs: 60_000 });
});

describe('a provider that asks for a pause', () => {
  test('gets it, never a shorter one, and it does not count as a failure', () => {
    for (const random of [0, MIDDLE, 1]) {
      const reaction = failed('IMAP_THROTTLED', 3, { retryAfterMs: 299_961, random });
      expect(reaction).toMatchObject({ kind: 'retry', retries: 3, throttled: true });
      const { delayMs } = reaction as { delayMs: number };
      expect(delayMs).toBeGreaterThanOrEqual(299_961);
      expect(delayMs).toBeLessThanOrEqual(299_961 * 1.1);
    }
  });

  test('gets a quarter of an hour if it names no time, and at most a day', () => {
    expect(failed('IMAP_THROTTLED', 0, { random: 0 })).toMatchObject({ delayMs: 15 * 60_000 });
    expect(failed('IMAP_THROTTLED', 0, { random: 0, retryAfterMs: 1e12 })).toMatchObject({ delayMs: 24 * 3_600_000 });
  });

  test('is never asked again at once', () => {
    expect(failed('IMAP_THROTTLED', 0, { random: 0, retryAfterMs: 1 })).toMatchObject({ delayMs: 1000 });
  });
});
