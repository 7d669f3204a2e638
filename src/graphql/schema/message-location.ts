import { gapReason } from '../../domain/receipt.ts';
import { builder } from '../builder.ts';
import { GapReason } from './sync-receipt.ts';

const MessageState = builder.enumType('MessageState', {
  values: {
    PENDING: { description: 'The server lists it; its bytes are not stored yet.' },
    STORED: { description: 'Its bytes are stored.' },
    QUARANTINED: { description: 'Its bytes could not be fetched or stored. Mailtide retries at intervals.' },
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
    size: t.exposeInt('size', { description: 'Bytes, as reported by the server. May be wrong.' }),
    state: t.expose('state', { type: MessageState }),
    quarantineReason: t.field({
      type: GapReason,
      nullable: true,
      description: 'Why it is `QUARANTINED`; else null.',
      select: { state: true, lastError: true },
      resolve: ({ state, lastError }) => (state === 'QUARANTINED' ? gapReason(lastError) : null),
    }),
    retryAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it is due for a retry; null unless it is `QUARANTINED`.',
      select: { state: true, retryAt: true },
      resolve: ({ state, retryAt }) => (state === 'QUARANTINED' ? retryAt : null),
    }),
    message: t.relation('message', { nullable: true, description: 'Null while nothing of it is stored.' }),
  }),
});
