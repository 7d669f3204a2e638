import { MailtideError } from '../../errors.ts';
import type { Prisma } from '../../generated/prisma/client.ts';
import { readTimeline } from '../../store/timeline/read-timeline.ts';
import {
  EVENT_TYPES,
  eventSchemas,
  type EventSchema as Schema,
  type EventType as Type,
} from '../../timeline/schemas.ts';
import { type ChainVerification, verifyChain } from '../../timeline/verify.ts';
import { abortable } from '../abortable.ts';
import { builder } from '../builder.ts';
import { found, requireVisible } from '../found.ts';
import { requireId } from '../ids.ts';

const EventOrder = builder.enumType('EventOrder', { values: ['OLDEST_FIRST', 'NEWEST_FIRST'] as const });
const EventType = builder.enumType('EventType', { values: EVENT_TYPES });

const Event = builder.prismaObject('Event', {
  description: "One fact in an account's timeline. Facts are only ever appended, each with the hash of the one before.",
  fields: (t) => ({
    seq: t.expose('seq', { type: 'BigInt', description: 'From 1, without gaps within an account.' }),
    type: t.field({ type: EventType, resolve: ({ type }) => type as Type }),
    schemaVersion: t.exposeInt('schemaVersion', { description: "The version of its type's schema: see eventSchemas." }),
    occurredAt: t.expose('occurredAt', { type: 'DateTime' }),
    payload: t.field({ type: 'JSON', complexity: 5, resolve: ({ payload }) => payload }),
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
    description: "An account's timeline, or what of it the conditions leave.",
    type: Event,
    cursor: 'accountId_seq',
    args: {
      accountId: t.arg.id({ required: true }),
      type: t.arg({ type: EventType }),
      mailboxId: t.arg.id({ description: 'What happened in this mailbox; a move in both that it concerns.' }),
      messageId: t.arg.id({ description: 'The history of one message.' }),
      from: t.arg({ type: 'DateTime', description: 'Not before.' }),
      until: t.arg({ type: 'DateTime', description: 'Before, and not at that moment.' }),
      order: t.arg({ type: EventOrder, required: true, defaultValue: 'OLDEST_FIRST' }),
    },
    resolve: async (query, _root, { accountId, order, ...conditions }, context) =>
      context.prisma.event.findMany({
        ...query,
        where: { accountId: await requireVisible(context, 'EmailAccount', accountId), ...whereOf(conditions) },
        orderBy: { seq: order === 'NEWEST_FIRST' ? 'desc' : 'asc' },
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

builder.subscriptionField('events', (t) =>
  t.field({
    description:
      'The events of an account as they are committed, in order. After a reconnect give the number of the last one that you have: nothing is left out, and nothing comes twice.',
    type: Event,
    args: {
      accountId: t.arg.id({ required: true }),
      afterSeq: t.arg({ type: 'BigInt', description: '0 for the whole timeline; without it, what comes from now on.' }),
    },
    subscribe: async (_root, { accountId, afterSeq }, context) => {
      const id = await requireVisible(context, 'EmailAccount', accountId);
      return abortable(context.signal, (signal) =>
        context.services.timeline.ofAccount(context.tenantId, id, seqOf(afterSeq), signal),
      );
    },
    resolve: (event) => event,
  }),
);

function whereOf(conditions: {
  type?: Type | null | undefined;
  mailboxId?: string | null | undefined;
  messageId?: string | null | undefined;
  from?: Date | null | undefined;
  until?: Date | null | undefined;
}): Prisma.EventWhereInput {
  const { type, mailboxId, messageId, from, until } = conditions;
  const payloadHas = (path: string[], equals: string): Prisma.EventWhereInput => ({ payload: { path, equals } });
  // What was deleted has a history still: ids are taken as they are, among the events of an account that is visible.
  const mailbox = mailboxId ? requireId('Mailbox', mailboxId) : null;
  return {
    ...(type ? { type } : {}),
    ...(from || until ? { occurredAt: { ...(from ? { gte: from } : {}), ...(until ? { lt: until } : {}) } } : {}),
    AND: [
      messageId ? payloadHas(['messageId'], requireId('Message', messageId)) : {},
      mailbox
        ? { OR: [['mailboxId'], ['from', 'mailboxId'], ['to', 'mailboxId']].map((path) => payloadHas(path, mailbox)) }
        : {},
    ],
  };
}

/** 64 bits are what a number of an event has. */
function seqOf(afterSeq: bigint | null | undefined): bigint | null {
  if (afterSeq == null) return null;
  if (BigInt.asIntN(64, afterSeq) !== afterSeq || afterSeq < 0n) {
    throw new MailtideError('BAD_USER_INPUT', { message: 'afterSeq: is not the number of an event.' });
  }
  return afterSeq;
}

const hex = (hash: Uint8Array): string => Buffer.from(hash).toString('hex');
