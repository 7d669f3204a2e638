import { builder } from '../builder.ts';
import { decodeIdOrNone, encodeId } from '../ids.ts';
import { MailAddress } from './message.ts';

builder.prismaObject('Thread', {
  description: 'Messages that refer to each other. Only those that are in a mailbox now are included.',
  select: { id: true },
  fields: (t) => ({
    id: t.id({ resolve: ({ id }) => encodeId('Thread', id) }),
    messages: t.relatedConnection('messages', {
      description: 'Oldest first.',
      cursor: 'id',
      query: {
        where: { locations: { some: { deletedAt: null } } },
        orderBy: [{ receivedAt: 'asc' }, { id: 'asc' }],
      },
    }),
    messageCount: t.int({
      resolve: async ({ id }, _args, { threadSummary }) => (await threadSummary(id, null))?.messageCount ?? 0,
    }),
    unreadCount: t.int({
      description: 'How many of the messages are unread, in any mailbox or in the given one.',
      args: { mailboxId: t.arg.id() },
      resolve: async ({ id }, args, { threadSummary }) => (await threadSummary(id, mailboxOf(args)))?.unreadCount ?? 0,
    }),
    flaggedCount: t.int({
      description: 'How many of the messages are flagged, in any mailbox or in the given one.',
      args: { mailboxId: t.arg.id() },
      resolve: async ({ id }, args, { threadSummary }) => (await threadSummary(id, mailboxOf(args)))?.flaggedCount ?? 0,
    }),
    participants: t.field({
      description: 'The senders, each once, the most recent first.',
      type: [MailAddress],
      resolve: async ({ id }, _args, { threadSummary }) => (await threadSummary(id, null))?.participants ?? [],
    }),
    lastMessageAt: t.field({
      type: 'DateTime',
      nullable: true,
      resolve: async ({ id }, _args, { threadSummary }) => (await threadSummary(id, null))?.lastMessageAt ?? null,
    }),
  }),
});

/** Returns the mailbox's id. Another tenant's mailbox holds none of the thread's messages, so it counts none. */
const mailboxOf = ({ mailboxId }: { mailboxId?: string | null | undefined }): string | null =>
  mailboxId ? decodeIdOrNone('Mailbox', mailboxId) : null;
