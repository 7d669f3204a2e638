import { builder } from '../builder.ts';
import { encodeId } from '../ids.ts';

builder.prismaObject('Thread', {
  description: 'Messages that refer to each other.',
  fields: (t) => ({
    id: t.id({ resolve: ({ id }) => encodeId('Thread', id) }),
    messages: t.relatedConnection('messages', {
      description: 'Oldest first.',
      cursor: 'id',
      query: { orderBy: [{ receivedAt: 'asc' }, { id: 'asc' }] },
    }),
    messageCount: t.relationCount('messages'),
    lastMessageAt: t.field({
      type: 'DateTime',
      nullable: true,
      select: { messages: { select: { receivedAt: true }, orderBy: { receivedAt: 'desc' }, take: 1 } },
      resolve: ({ messages }) => messages[0]?.receivedAt ?? null,
    }),
  }),
});
