import { expect, test } from 'vitest';
import type { MailboxSnapshot, MailboxStatus } from '../../../src/domain/imap-types.ts';
import { isProvenUnchanged, type KnownMailbox, planPass } from '../../../src/sync/plan.ts';

const AT = new Date('2026-11-24T12:00:00Z');
const known: KnownMailbox = {
  objectId: 'M1',
  generation: 0,
  uidValidity: 7n,
  uidNext: 100n,
  highestModseq: 500n,
  enumeratedUpTo: 99n,
  messageCount: 80,
  pending: 0,
  hasOldGeneration: false,
  comparedAt: new Date('2026-11-24T09:00:00Z'),
};
const said: MailboxSnapshot = {
  path: 'INBOX',
  uidValidity: 7n,
  uidNext: 100,
  exists: 80,
  highestModseq: 500n,
  mailboxId: null,
};
const status: MailboxStatus = { messages: 80, unseen: 0, uidNext: 100, uidValidity: 7n, highestModseq: 500n };

test.each<[string, Partial<MailboxStatus>]>([
  ['another count', { messages: 81 }],
  ['another UIDNEXT', { uidNext: 101 }],
  ['another HIGHESTMODSEQ', { highestModseq: 501n }],
  ['a lower HIGHESTMODSEQ', { highestModseq: 499n }],
  ['another UIDVALIDITY', { uidValidity: 6n }],
  ['no HIGHESTMODSEQ', { highestModseq: null }],
  ['no UIDNEXT', { uidNext: null }],
])('a STATUS with %s proves nothing', (_what, change) => {
  expect(isProvenUnchanged(known, status, 'INCREMENTAL', AT)).toBe(true);
  expect(isProvenUnchanged(known, { ...status, ...change }, 'INCREMENTAL', AT)).toBe(false);
});

test('no STATUS, a full sync, or a day without a comparison open the mailbox', () => {
  expect(isProvenUnchanged(known, null, 'INCREMENTAL', AT)).toBe(false);
  expect(isProvenUnchanged(known, status, 'FULL', AT)).toBe(false);
  expect(isProvenUnchanged(known, status, 'INCREMENTAL', new Date('2026-11-25T09:00:00Z'))).toBe(false);
  expect(isProvenUnchanged({ ...known, comparedAt: null }, status, 'INCREMENTAL', AT)).toBe(false);
  // Written by a clock that was ahead.
  const comparedAt = new Date('2026-11-25T12:00:00Z');
  expect(isProvenUnchanged({ ...known, comparedAt }, status, 'INCREMENTAL', AT)).toBe(false);
});

test.each<[string, Partial<KnownMailbox>, Partial<MailboxSnapshot>, object]>([
  ['the first time', { uidValidity: null }, {}, { flags: 'none', wholeSet: false, newGeneration: false }],
  ['a higher UIDVALIDITY', {}, { uidValidity: 8n }, { newGeneration: true }],
  ['a lower UIDVALIDITY', {}, { uidValidity: 6n }, { newGeneration: true }],
  ['another MAILBOXID', {}, { mailboxId: 'M2' }, { newGeneration: true }],
  ['the same MAILBOXID', {}, { mailboxId: 'M1' }, { newGeneration: false }],
  ['nothing new', {}, {}, { flags: 'none', wholeSet: false, allFlags: false }],
  ['changes', {}, { highestModseq: 501n }, { flags: 'since-cursor', wholeSet: false, allFlags: false }],
  ['UIDNEXT went back', {}, { uidNext: 99 }, { wholeSet: true, allFlags: true, findsFaults: false }],
  ['HIGHESTMODSEQ went back', {}, { highestModseq: 499n }, { wholeSet: true, allFlags: true, findsFaults: false }],
  ['mod-sequences lost', {}, { highestModseq: null }, { wholeSet: false, allFlags: true, flags: 'none' }],
  ['first mod-sequences', { highestModseq: null }, {}, { wholeSet: true, allFlags: true }],
  ['no mod-sequences, many', { enumeratedUpTo: 501n }, { highestModseq: null }, { flags: 'sweep', allFlags: false }],
  ['no UIDNEXT either', {}, { highestModseq: null, uidNext: null }, { wholeSet: true }],
  [
    'a day has passed',
    { comparedAt: new Date('2026-11-23T11:00:00Z') },
    { highestModseq: 501n },
    {
      wholeSet: true,
      allFlags: true,
      flags: 'since-cursor',
      findsFaults: true,
      reason: 'DAILY_COMPARISON',
    },
  ],
  [
    'a first sync that was stopped',
    { comparedAt: null },
    { highestModseq: 501n },
    { wholeSet: true, allFlags: true, findsFaults: true, reason: 'FIRST_COMPARISON' },
  ],
])('planPass, %s', (_what, stored, now, plan) => {
  expect(planPass({ ...known, ...stored }, { ...said, ...now }, 'INCREMENTAL', AT)).toMatchObject(plan);
});
