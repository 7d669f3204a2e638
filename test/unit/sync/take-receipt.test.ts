import { expect, test } from 'vitest';
import { uidSetDigest } from '../../../src/domain/receipt.ts';
import type { MailboxEvidence, ServerSet } from '../../../src/sync/mailbox-evidence.ts';
import { holdAll, judge } from '../../../src/sync/take-receipt.ts';

const evidence = (server: ServerSet | null, more: Partial<MailboxEvidence> = {}): MailboxEvidence => ({
  id: 'b',
  path: 'INBOX',
  generation: 0,
  uidValidity: 7n,
  server,
  flagsProven: true,
  compared: false,
  repairs: 0,
  refusal: null,
  doubt: null,
  at: new Date(0),
  expunged: new Set(),
  ...more,
});
const listed = (...uids: number[]): ServerSet => ({
  proof: 'UID_SET',
  messages: uids.length,
  digest: uidSetDigest(7n, uids),
});
const receiptOf = (of: MailboxEvidence, uids: number[], missing: { uid: number; reason: string | null }[] = []) =>
  judge(
    of,
    holdAll(of, uids),
    missing.map((one) => ({ mailboxId: 'b', ...one })),
  );

test('the digest depends on UIDVALIDITY and the ascending sequence set', () => {
  // printf '7\n1:3,9' | sha256sum
  expect(uidSetDigest(7n, [9, 3, 2, 1])).toBe('4e5ca15798579a90480e070c0ae73b78a624de71e317c7ef84fead909be32fae');
  expect(uidSetDigest(7n, [])).not.toBe(uidSetDigest(8n, []));
});

test.each<[string, ServerSet, number[], boolean]>([
  ['the same UIDs', listed(1, 2, 5), [1, 2, 5], true],
  ['as many, but others', listed(1, 2, 5), [1, 2, 6], false],
  ['one less', listed(1, 2, 5), [1, 2], false],
  ['the same count', { proof: 'COUNT', messages: 3, uidNext: 6 }, [1, 2, 5], true],
  ['the same count below UIDNEXT', { proof: 'COUNT', messages: 2, uidNext: 5 }, [1, 2, 5], true],
  ['another count', { proof: 'COUNT', messages: 3, uidNext: 5 }, [1, 2, 5], false],
  ['a STATUS of as many', { proof: 'STATUS', messages: 3 }, [1, 2, 5], true],
  ['a STATUS of more', { proof: 'STATUS', messages: 4 }, [1, 2, 5], false],
])('a receipt with %s', (_what, server, uids, complete) => {
  const receipt = receiptOf(evidence(server), uids);
  expect(receipt).toMatchObject({ complete, proof: complete ? server.proof : null, flagsProven: complete });
  expect(receipt.uidSetDigest).toBe(complete ? uidSetDigest(7n, uids) : null);
  expect(receipt.gaps).toEqual(complete ? [] : [{ uid: null, reason: 'NOT_EQUAL' }]);
});

test('a server that reported nothing proves nothing', () => {
  const refused = evidence(null, { refusal: 'SERVER_CONTRADICTS_ITSELF' });
  expect(receiptOf(refused, [])).toMatchObject({
    complete: false,
    serverMessages: null,
    gaps: [{ uid: null, reason: 'SERVER_CONTRADICTS_ITSELF' }],
  });
});

test('messages without bytes are gaps, unless both sides have deleted them', () => {
  expect(receiptOf(evidence(listed(1, 2)), [1, 2], [{ uid: 2, reason: 'NOT_SERVED' }])).toMatchObject({
    complete: false,
    proof: 'UID_SET',
    storedMessages: 1,
    gaps: [{ uid: 2, reason: 'NOT_SERVED' }],
  });
  expect(receiptOf(evidence(listed(1, 2)), [1, 2], [{ uid: 1, reason: null }])).toMatchObject({
    complete: false,
    gaps: [{ uid: 1, reason: 'NOT_FETCHED' }],
  });
  const gone = evidence(listed(1, 2, 3), { expunged: new Set([2]) });
  expect(receiptOf(gone, [1, 3])).toMatchObject({
    complete: true,
    serverMessages: 3,
    storedMessages: 2,
    uidSetDigest: uidSetDigest(7n, [1, 3]),
    gaps: [{ uid: 2, reason: 'EXPUNGED_MEANWHILE' }],
  });
});
