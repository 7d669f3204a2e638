import { expect, test } from 'vitest';
import type { ListedMailbox, MailboxStatus } from '../../../src/domain/imap-types.ts';
import type { StoredMailbox } from '../../../src/store/mail/mailboxes.ts';
import { renameCandidates } from '../../../src/sync/renames.ts';

const OLD = { path: 'Old', objectId: null, uidValidity: 4n, uidNext: 10n } as StoredMailbox;
const STATUS: MailboxStatus = { messages: 3, unseen: 0, uidNext: 10, uidValidity: 4n, highestModseq: null };

const candidates = (path: string, status: Partial<MailboxStatus> | null): number => {
  const listed = { path, status: status && { ...STATUS, ...status } } as ListedMailbox;
  return renameCandidates([OLD], [listed]).length;
};

test('UIDVALIDITY and UIDNEXT, or a missing STATUS, allow a move', () => {
  expect(candidates('New', {})).toBe(1);
  expect(candidates('New', { uidNext: 11 })).toBe(1);
  expect(candidates('New', { uidValidity: null, uidNext: null })).toBe(1);
  expect(candidates('New', null)).toBe(1);
  expect(candidates('New', { uidNext: 9 })).toBe(0);
  expect(candidates('New', { uidValidity: 5n })).toBe(0);
});

test('a mailbox that is still listed has not moved, even without STATUS', () => {
  expect(candidates('Old', null)).toBe(0);
  expect(candidates('Old', {})).toBe(0);
});
