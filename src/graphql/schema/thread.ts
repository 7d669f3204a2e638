import { builder } from '../builder.ts';
import { decodeIdOrNone, encodeId } from '../ids.ts';
import { MailAddress } from './message.ts';

builder.prismaObject('Thread', {
  description: 'Messages that refer to each other: those of them that are in a mailbox now.',
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
      description: 'How many of them are without the flag `\\Seen` somewhere, or in one mailbox.',
      args: { mailboxId: t.arg.id() },
      resolve: async ({ id }, args, { threadSummary }) => (await threadSummary(id, mailboxOf(args)))?.unreadCount ?? 0,
    }),
    flaggedCount: t.int({
      description: 'How many of them have the flag `\\Flagged` somewhere, or in one mailbox.',
      args: { mailboxId: t.arg.id() },
      resolve: async ({ id }, args, { threadSummary }) => (await threadSummary(id, mailboxOf(args)))?.flaggedCount ?? 0,
    }),
    participants: t.field({
      description: 'Who wrote them, each once, the one who wrote last first.',
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

/** Another tenant's mailbox holds nothing of ours, so its flags count for nothing. */
const mailboxOf = ({ mailboxId }: { mailboxId?: string | null | undefined }): string | null =>
  mailboxId ? decodeIdOrNone('Mailbox', mailboxId) : null;
