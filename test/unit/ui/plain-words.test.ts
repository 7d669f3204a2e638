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

test('shows unknown plan and gap codes as they are', () => {
  expect(planInWords('changes since the cursor')).toBe('changes since the cursor');
  expect(gapInWords('MOON_IS_FULL')).toBe('moon is full');
});

test("formats the counts of an event for the reader's locale", () => {
  const stats = { messagesCreated: 12_345, messagesUpdated: 0, messagesDeleted: 1 };
  expect(describeEvent('sync_succeeded', { stats })).toBe(`${(12_345).toLocaleString()} new, 0 changed, 1 deleted`);
});

test('an event of an unknown type is shown as JSON', () => {
  expect(describeEvent('email_painted', { colour: 'red' })).toBe('{"colour":"red"}');
  expect(describeEvent('constructor', {})).toBe('{}');
});

test('an empty list names only the conditions that narrow it', () => {
  const all = { mailboxId: null, search: '', unread: false, flagged: false };
  expect(widerBy({ ...all, unread: true })).toBe('Try again without “Unread”.');
  expect(widerBy({ ...all, search: 'tide', mailboxId: 'x' })).toBe('Try again with fewer words or in all mailboxes.');
});
