import { expect, test } from 'vitest';
import { PLAN_REASONS, type PlanReason } from '../../../src/domain/plan-reasons.ts';
import { describeEvent } from '../../../src/ui/account-detail/event-text.ts';
import { gapInWords, PLANS, planInWords } from '../../../src/ui/account-detail/wording.ts';
import { widerBy } from '../../../src/ui/messages/filter.ts';

/** Words that only readers of the IMAP RFCs know. */
const JARGON = /UIDVALIDITY|UIDNEXT|MODSEQ|MAILBOXID|mod-sequence|cursor|\bpass\b/i;

test('every plan reason has a text without jargon', () => {
  const texts: Record<PlanReason, string> = PLANS;
  expect(Object.keys(texts).sort()).toEqual(Object.keys(PLAN_REASONS).sort());
  for (const text of Object.values(texts)) expect(text).not.toMatch(JARGON);
});

test('shows reasons that it does not know as they are', () => {
  expect(planInWords('changes since the cursor')).toBe('changes since the cursor');
  expect(gapInWords('MOON_IS_FULL')).toBe('moon is full');
});

test('the counts of an event are in the locale of the reader', () => {
  const stats = { messagesCreated: 12_345, messagesUpdated: 0, messagesDeleted: 1 };
  expect(describeEvent('sync_succeeded', { stats })).toBe(`${(12_345).toLocaleString()} new, 0 changed, 1 deleted`);
});

test('where nothing is found, only what narrows the list is named', () => {
  const all = { mailboxId: null, search: '', unread: false, flagged: false };
  expect(widerBy({ ...all, unread: true })).toBe('Try again without “Unread”.');
  expect(widerBy({ ...all, search: 'tide', mailboxId: 'x' })).toBe('Try again with fewer words or in all mailboxes.');
});
