import { expect, test } from 'vitest';
import type { AccountSummaryFragment, SyncState } from '../../../src/generated/gql/graphql.ts';
import { shownState } from '../../../src/ui/account-parts/account-state.ts';
import { ahead } from '../../../src/ui/parts/format.ts';

const NOW = Date.parse('2026-11-29T12:00:00Z');
const at = (minutes: number): string => new Date(NOW + minutes * 60_000).toISOString();

function account(state: SyncState, syncStatus: object): AccountSummaryFragment {
  const none = { activeRun: null, lastSyncAt: null, lastSyncError: null, needsAuthSince: null, nextSyncAt: null };
  return {
    syncStatus: { state, ...none, throttledUntil: null, hostPausedUntil: null, ...syncStatus },
    totals: {},
  } as unknown as AccountSummaryFragment;
}

const detail = (state: SyncState, facts: object) => shownState(account(state, facts), NOW).detail;

test('a queued account whose host cools down, shows the host and the time', () => {
  const held = detail('QUEUED', { activeRun: { queuePosition: 1 }, hostPausedUntil: at(30) });
  expect(held).toMatch(/^The mail server refused a connection\. No sync starts there until .*30/);
  expect(detail('QUEUED', { activeRun: { queuePosition: 1 }, hostPausedUntil: at(-1) })).toBe(
    'Waiting for a free worker',
  );
});

test('an exhausted quota, is called a quota and not throttling', () => {
  const message = "The provider's limit for this account is used up.";
  expect(detail('THROTTLED', { throttledUntil: at(10), activeRun: { error: { message } } })).toBe(message);
});

test('a future time, stays in the future however late it is', () => {
  expect([at(-5), at(0), at(0.9)].map((time) => ahead(time, NOW))).toEqual(Array(3).fill('in a moment'));
  expect(ahead(at(10), NOW)).toBe('in 10 minutes');
  expect(detail('NEVER_SYNCED', { nextSyncAt: at(-1) })).toBe('First sync in a moment');
});
