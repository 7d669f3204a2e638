import { builder } from '../builder.ts';
import { encodeId } from '../ids.ts';

builder.prismaObject('Mailbox', {
  description: 'An IMAP mailbox, also known as a folder, as of its last sync.',
  fields: (t) => ({
    id: t.id({ resolve: ({ id }) => encodeId('Mailbox', id) }),
    account: t.relation('account'),
    path: t.exposeString('path'),
    delimiter: t.exposeString('delimiter', { nullable: true }),
    specialUse: t.exposeString('specialUse', {
      nullable: true,
      description: '`\\Inbox`, `\\Sent`, `\\Drafts`, `\\Junk`, `\\Trash`, `\\Archive`, `\\All`, `\\Flagged` or null.',
    }),
    uidValidity: t.expose('uidValidity', { type: 'BigInt', nullable: true }),
    uidNext: t.expose('uidNext', { type: 'BigInt', nullable: true }),
    highestModseq: t.expose('highestModseq', { type: 'BigInt', nullable: true }),
    messageCount: t.exposeInt('messageCount', {
      description: 'How many messages are in it, also those that are still to be fetched.',
    }),
    storedCount: t.int({
      description:
        'How many of these are stored with all their bytes. The others are still to be fetched, or were set aside.',
      resolve: async ({ id, messageCount }, _args, { missingCount }) => messageCount - (await missingCount(id)),
    }),
    unreadCount: t.exposeInt('unreadCount'),
    lastSyncedAt: t.expose('lastSyncedAt', { type: 'DateTime', nullable: true }),
    provenCurrentAt: t.field({
      type: 'DateTime',
      nullable: true,
      select: { proof: { select: { provenCurrentAt: true } } },
      resolve: ({ proof }) => proof?.provenCurrentAt ?? null,
      description:
        'When its server last said what proves that the messages, each with all its bytes, and the flags stored here are its own.',
    }),
    locations: t.relatedConnection('locations', {
      description: 'The messages that are in it now, by UID.',
      cursor: 'mailboxId_generation_uid',
      query: { where: { deletedAt: null }, orderBy: [{ generation: 'asc' }, { uid: 'asc' }] },
    }),
  }),
});
