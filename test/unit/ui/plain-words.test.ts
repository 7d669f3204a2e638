import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describeEvent } from '../../../src/ui/account-detail/event-text.ts';
import { gapInWords, planInWords } from '../../../src/ui/account-detail/wording.ts';
import { widerBy } from '../../../src/ui/messages/filter.ts';

/** Words that nobody knows who has not read how IMAP works. */
const JARGON = /UIDVALIDITY|UIDNEXT|MODSEQ|MAILBOXID|mod-sequence|cursor|\bpass\b/i;

test('every reason of a plan is told in plain words', () => {
  const reasons = ['plan', 'enumerate-mailbox'].flatMap((name) => [
    ...readFileSync(new URL(`../../../src/sync/${name}.ts`, import.meta.url), 'utf8').matchAll(/reason: '([^']+)'/g),
  ]);
  expect(reasons.length).toBeGreaterThan(8);
  for (const [, reason] of reasons) expect(planInWords(reason!)).not.toMatch(JARGON);
});

test('what a later version says is shown as it is', () => {
  expect(planInWords('the moon is full')).toBe('the moon is full');
  expect(gapInWords('MOON_IS_FULL')).toBe('moon is full');
});

test('the counts of an event are in the locale of the reader', () => {
  const stats = { messagesCreated: 12_345, messagesUpdated: 0, messagesDeleted: 1 };
  expect(describeEvent('sync_succeeded', { stats })).toBe(`${(12_345).toLocaleString()} new, 0 changed, 1 deleted`);
});

test('where nothing is found, only what narrows the list is named', () => {
  const all = { mailboxId: null, search: '', unread: false, flagged: false };
  expect(widerBy({ ...all, unread: true })).toBe('More may be found without “Unread”.');
  expect(widerBy({ ...all, search: 'tide', mailboxId: 'x' })).toBe(
    'More may be found with fewer words or in all mailboxes.',
  );
});
