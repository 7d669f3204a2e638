import { builder } from '../builder.ts';
import { encodeId } from '../ids.ts';

builder.prismaObject('Attachment', {
  description: 'An attachment or inline part of a message.',
  fields: (t) => ({
    id: t.id({ resolve: ({ id }) => encodeId('Attachment', id) }),
    filename: t.exposeString('filename', { nullable: true }),
    contentType: t.exposeString('contentType', { description: 'As declared by the sender. Do not trust it.' }),
    size: t.exposeInt('size'),
    contentId: t.exposeString('contentId', { nullable: true }),
    isInline: t.exposeBoolean('isInline'),
    url: t.string({
      description: 'The path from which to download its bytes, with the same authentication as the API.',
      resolve: ({ id }) => `/attachments/${encodeId('Attachment', id)}`,
    }),
  }),
});
