import {
  GAP_REASONS,
  type Gap,
  type GapReason as Reason,
  type MailboxReceipt as Receipt,
} from '../../domain/receipt.ts';
import { builder } from '../builder.ts';
import { encodeId } from '../ids.ts';

const Proof = builder.enumType('SyncProof', {
  description: "What proves that the server's messages and the stored ones are the same.",
  values: {
    STATUS: {
      description: 'The server reported no change since the last pass, and the stored count equals its count.',
    },
    COUNT: { description: 'The server reported what was added and deleted, and the counts are equal.' },
    UID_SET: { description: 'The server listed all UIDs, and they were compared one by one.' },
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
      description: 'Null if the gap concerns the whole mailbox.',
      resolve: ({ uid }) => (uid === null ? null : BigInt(uid)),
    }),
    reason: t.expose('reason', { type: GapReason }),
  }),
});

const MailboxReceipt = builder.objectRef<Receipt>('MailboxReceipt').implement({
  description: 'What a run proved about one mailbox.',
  fields: (t) => ({
    mailboxId: t.id({ resolve: ({ mailboxId }) => encodeId('Mailbox', mailboxId) }),
    mailbox: t.exposeString('mailbox', { description: 'The path of the mailbox at that time.' }),
    uidValidity: t.field({
      type: 'BigInt',
      nullable: true,
      resolve: ({ uidValidity }) => (uidValidity === null ? null : BigInt(uidValidity)),
    }),
    serverMessages: t.exposeInt('serverMessages', {
      nullable: true,
      description: 'The number of messages that the server reported; null if it reported none.',
    }),
    storedMessages: t.exposeInt('storedMessages', {
      description: 'How many messages are stored with all their bytes.',
    }),
    uidSetDigest: t.exposeString('uidSetDigest', {
      nullable: true,
      description:
        'SHA-256 of UIDVALIDITY, a line feed and the UIDs as a sequence set, the same on both sides. Null if they are not proven to be equal.',
    }),
    proof: t.expose('proof', { type: Proof, nullable: true }),
    flagsProven: t.exposeBoolean('flagsProven'),
    complete: t.exposeBoolean('complete', {
      description: "True if the stored messages are the server's, each with all its bytes.",
    }),
    gaps: t.field({ type: [SyncGap], description: 'The first 1000 gaps.', resolve: ({ gaps }) => [...gaps] }),
    gapCount: t.exposeInt('gapCount'),
    repairs: t.exposeInt('repairs', {
      description:
        'The number of stored differences that no change on the server explains. The run has corrected them.',
    }),
    provenAt: t.field({ type: 'DateTime', resolve: ({ at }) => new Date(at) }),
  }),
});

builder.prismaObject('SyncReceipt', {
  description: 'What a run proved, from what the server reported during it. A missing answer proves nothing.',
  fields: (t) => ({
    complete: t.exposeBoolean('complete', {
      description: "True if every mailbox is complete and the server's whole list of mailboxes could be read.",
    }),
    unreadAnswers: t.exposeInt('unreadAnswers', {
      description:
        'How many answers to LIST could not be read. If any, mailboxes may be missing, and the receipt is not complete.',
    }),
    unreadSamples: t.exposeStringList('unreadSamples', {
      description: 'The beginnings of the first five unreadable answers.',
    }),
    mailboxes: t.field({
      type: [MailboxReceipt],
      // The store writes them as src/domain/receipt.ts defines them.
      resolve: ({ mailboxes }) => mailboxes as unknown as Receipt[],
    }),
  }),
});
