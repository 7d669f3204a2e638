import {
  GAP_REASONS,
  type Gap,
  type GapReason as Reason,
  type MailboxReceipt as Receipt,
} from '../../domain/receipt.ts';
import { builder } from '../builder.ts';
import { encodeId } from '../ids.ts';

const Proof = builder.enumType('SyncProof', {
  description: "What makes the server's set of messages and the stored one equal.",
  values: {
    STATUS: { description: 'The server says that nothing changed since the last pass, and as many are stored.' },
    COUNT: { description: 'What came and went was told, and the count of all is the same.' },
    UID_SET: { description: 'All UIDs were listed and compared one by one.' },
  } as const,
});

export const GapReason = builder.enumType('SyncGapReason', {
  values: Object.fromEntries(
    Object.entries(GAP_REASONS).map(([reason, description]) => [reason, { description }]),
  ) as Record<Reason, { description: string }>,
});

const SyncGap = builder.objectRef<Gap>('SyncGap').implement({
  fields: (t) => ({
    uid: t.field({
      type: 'BigInt',
      nullable: true,
      description: 'Null for what is wrong with the mailbox as a whole.',
      resolve: ({ uid }) => (uid === null ? null : BigInt(uid)),
    }),
    reason: t.expose('reason', { type: GapReason }),
  }),
});

const MailboxReceipt = builder.objectRef<Receipt>('MailboxReceipt').implement({
  description: 'What a run proved of one mailbox.',
  fields: (t) => ({
    mailboxId: t.id({ resolve: ({ mailboxId }) => encodeId('Mailbox', mailboxId) }),
    mailbox: t.exposeString('mailbox', { description: 'Its path at that time.' }),
    uidValidity: t.field({
      type: 'BigInt',
      nullable: true,
      resolve: ({ uidValidity }) => (uidValidity === null ? null : BigInt(uidValidity)),
    }),
    serverMessages: t.exposeInt('serverMessages', {
      nullable: true,
      description: 'As the server said; null when it did not.',
    }),
    storedMessages: t.exposeInt('storedMessages', { description: 'Those that are stored with all their bytes.' }),
    uidSetDigest: t.exposeString('uidSetDigest', {
      nullable: true,
      description:
        'SHA-256 of UIDVALIDITY, a line feed and the UIDs as a sequence set: of both sides, null when they are not proven to be equal.',
    }),
    proof: t.expose('proof', { type: Proof, nullable: true }),
    flagsProven: t.exposeBoolean('flagsProven'),
    complete: t.exposeBoolean('complete', {
      description: "The server's messages are the stored ones, and each is stored whole.",
    }),
    gaps: t.field({ type: [SyncGap], description: 'At most 1000 of them.', resolve: ({ gaps }) => [...gaps] }),
    gapCount: t.exposeInt('gapCount'),
    repairs: t.exposeInt('repairs', {
      description: 'What was found wrong although no change on the server explains it, and was put right.',
    }),
    provenAt: t.field({ type: 'DateTime', resolve: ({ at }) => new Date(at) }),
  }),
});

builder.prismaObject('SyncReceipt', {
  description: 'What a run proved, from what the server said during it: silence proves nothing.',
  fields: (t) => ({
    complete: t.exposeBoolean('complete', {
      description: "Every mailbox is, and all of the server's list of mailboxes could be read.",
    }),
    unreadAnswers: t.exposeInt('unreadAnswers', {
      description:
        'How many answers of the server to LIST could not be read: there may be mailboxes that are not synced, and the receipt is not complete.',
    }),
    unreadSamples: t.exposeStringList('unreadSamples', { description: 'The beginnings of the first five of them.' }),
    mailboxes: t.field({
      type: [MailboxReceipt],
      // Written by the store as src/domain/receipt.ts says.
      resolve: ({ mailboxes }) => mailboxes as unknown as Receipt[],
    }),
  }),
});
