import { readTimeline } from '../../store/read-timeline.ts';
import {
  EVENT_TYPES,
  eventSchemas,
  type EventSchema as Schema,
  type EventType as Type,
} from '../../timeline/schemas.ts';
import { type ChainVerification, verifyChain } from '../../timeline/verify.ts';
import { builder } from '../builder.ts';
import { found, requireVisible } from '../found.ts';
import { requireId } from '../ids.ts';

const EventType = builder.enumType('EventType', { values: EVENT_TYPES });

const Event = builder.prismaObject('Event', {
  description: "One fact in an account's timeline. Facts are only ever appended, each with the hash of the one before.",
  fields: (t) => ({
    seq: t.expose('seq', { type: 'BigInt', description: 'From 1, without gaps within an account.' }),
    type: t.field({ type: EventType, resolve: ({ type }) => type as Type }),
    schemaVersion: t.exposeInt('schemaVersion', { description: "The version of its type's schema: see eventSchemas." }),
    occurredAt: t.expose('occurredAt', { type: 'DateTime' }),
    payload: t.field({ type: 'JSON', resolve: ({ payload }) => payload }),
    prevHash: t.string({ resolve: ({ prevHash }) => hex(prevHash) }),
    hash: t.string({ resolve: ({ hash }) => hex(hash) }),
  }),
});

const EventChainVerification = builder.objectRef<ChainVerification>('EventChainVerification').implement({
  description: "Whether an account's timeline is as it was written.",
  fields: (t) => ({
    ok: t.exposeBoolean('ok'),
    length: t.expose('length', { type: 'BigInt', description: 'Events that are intact, from the first on.' }),
    head: t.string({ description: 'Hash of the last intact event.', resolve: ({ head }) => hex(head) }),
    brokenAtSeq: t.expose('brokenAtSeq', { type: 'BigInt', nullable: true }),
    reason: t.exposeString('reason', {
      nullable: true,
      description: 'SEQUENCE, LINK, CONTENT or HEAD; null when it is intact.',
    }),
  }),
});

const EventSchema = builder.objectRef<Schema>('EventSchema').implement({
  description: 'What the payload of an event type looks like, in one of its versions.',
  fields: (t) => ({
    type: t.expose('type', { type: EventType }),
    version: t.exposeInt('version'),
    jsonSchema: t.expose('jsonSchema', { type: 'JSON', description: 'JSON Schema, draft 2020-12.' }),
  }),
});

builder.queryFields((t) => ({
  events: t.prismaConnection({
    description: "An account's timeline, oldest first.",
    type: Event,
    cursor: 'accountId_seq',
    args: { accountId: t.arg.id({ required: true }), type: t.arg({ type: EventType }) },
    resolve: async (query, _root, { accountId, type }, context) =>
      context.prisma.event.findMany({
        ...query,
        where: { accountId: await requireVisible(context, 'EmailAccount', accountId), ...(type ? { type } : {}) },
        orderBy: { seq: 'asc' },
      }),
  }),
  verifyEventChain: t.field({
    description: "Reads an account's whole timeline and checks every hash.",
    type: EventChainVerification,
    complexity: 1000,
    args: { accountId: t.arg.id({ required: true }) },
    resolve: async (_root, args, { prisma, signal }) => {
      const accountId = requireId('EmailAccount', args.accountId);
      const account = found(
        await prisma.emailAccount.findUnique({ where: { id: accountId }, select: { eventSeq: true, eventHash: true } }),
      );
      // The head first: what is appended meanwhile comes after it.
      const head = { seq: account.eventSeq, hash: Buffer.from(account.eventHash) };
      return verifyChain(accountId, readTimeline(prisma, accountId, head.seq, signal), head);
    },
  }),
  eventSchemas: t.field({
    description: 'Every schema that an event may have been written with.',
    type: [EventSchema],
    resolve: eventSchemas,
  }),
}));

const hex = (hash: Uint8Array): string => Buffer.from(hash).toString('hex');
