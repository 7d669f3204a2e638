import { builder } from '../builder.ts';
import { encodeId } from '../ids.ts';

builder.prismaObject('Attachment', {
  description: 'What a message carries beside its text.',
  fields: (t) => ({
    id: t.id({ resolve: ({ id }) => encodeId('Attachment', id) }),
    filename: t.exposeString('filename', { nullable: true }),
    contentType: t.exposeString('contentType', { description: 'As the sender says: do not trust it.' }),
    size: t.exposeInt('size'),
    contentId: t.exposeString('contentId', { nullable: true }),
    isInline: t.exposeBoolean('isInline'),
    url: t.string({
      description: 'Where its bytes are, with the same authentication as here.',
      resolve: ({ id }) => `/attachments/${encodeId('Attachment', id)}`,
    }),
  }),
});
