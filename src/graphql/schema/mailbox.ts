import { builder } from '../builder.ts';
import { encodeId } from '../ids.ts';

builder.prismaObject('Mailbox', {
  description: 'An IMAP mailbox (often called a folder), as of its last sync.',
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
      description: 'The number of messages in it, including those that are still to be fetched.',
    }),
    storedCount: t.int({
      description:
        'How many of these are stored with all their bytes. The others are still to be fetched, or are quarantined.',
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
        'When the stored messages, with all their bytes and flags, were last proven to equal those on the server. Null if they never were.',
    }),
    locations: t.relatedConnection('locations', {
      description: 'The messages that are in it now, ordered by UID.',
      cursor: 'mailboxId_generation_uid',
      query: { where: { deletedAt: null }, orderBy: [{ generation: 'asc' }, { uid: 'asc' }] },
    }),
  }),
});
