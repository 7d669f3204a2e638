import { builder } from '../builder.ts';

const MessageState = builder.enumType('MessageState', {
  values: {
    PENDING: { description: 'Known to be there, its bytes not stored yet.' },
    STORED: { description: 'Its bytes are stored.' },
    QUARANTINED: { description: 'Its bytes could not be had; they are tried again at times.' },
  } as const,
});

builder.prismaObject('MessageLocation', {
  description: 'One message in one mailbox.',
  fields: (t) => ({
    mailbox: t.relation('mailbox'),
    uid: t.expose('uid', { type: 'BigInt' }),
    flags: t.exposeStringList('flags', { description: 'System flags such as `\\Seen`, and keywords.' }),
    modseq: t.expose('modseq', { type: 'BigInt', nullable: true }),
    internalDate: t.expose('internalDate', { type: 'DateTime', nullable: true }),
    size: t.exposeInt('size', { description: 'As the server says; a hint only.' }),
    state: t.expose('state', { type: MessageState }),
    message: t.relation('message', { nullable: true, description: 'Null while its bytes are not stored.' }),
  }),
});
