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
  description: "One event of an account's timeline. Events are only appended, each with the hash of the previous one.",
  fields: (t) => ({
    seq: t.expose('seq', { type: 'BigInt', description: 'Counts from 1, without gaps within an account.' }),
    type: t.field({ type: EventType, resolve: ({ type }) => type as Type }),
    schemaVersion: t.exposeInt('schemaVersion', {
      description: "The version of its type's schema. See `eventSchemas`.",
    }),
    occurredAt: t.expose('occurredAt', { type: 'DateTime' }),
    payload: t.field({ type: 'JSON', complexity: 5, resolve: ({ payload }) => payload }),
    prevHash: t.string({ resolve: ({ prevHash }) => hex(prevHash) }),
    hash: t.string({ resolve: ({ hash }) => hex(hash) }),
  }),
});

const EventChainVerification = builder.objectRef<ChainVerification>('EventChainVerification').implement({
  description: "The result of checking the hash chain of an account's timeline.",
  fields: (t) => ({
    ok: t.exposeBoolean('ok'),
    length: t.expose('length', { type: 'BigInt', description: 'The number of intact events, counted from the first.' }),
    head: t.string({ description: 'The hash of the last intact event.', resolve: ({ head }) => hex(head) }),
    brokenAtSeq: t.expose('brokenAtSeq', { type: 'BigInt', nullable: true }),
    reason: t.exposeString('reason', {
      nullable: true,
      description: 'SEQUENCE, LINK, CONTENT or HEAD; null if the chain is intact.',
    }),
  }),
});

const EventSchema = builder.objectRef<Schema>('EventSchema').implement({
  description: 'The schema of the payload of an event type, in one version.',
  fields: (t) => ({
    type: t.expose('type', { type: EventType }),
    version: t.exposeInt('version'),
    jsonSchema: t.expose('jsonSchema', { type: 'JSON', description: 'JSON Schema, draft 2020-12.' }),
  }),
});

builder.queryFields((t) => ({
  events: t.prismaConnection({
    description: "The events of an account's timeline that match all conditions.",
    type: Event,
    cursor: 'accountId_seq',
    args: {
      accountId: t.arg.id({ required: true }),
      type: t.arg({ type: EventType }),
      mailboxId: t.arg.id({ description: 'Only events in this mailbox. A move belongs to both of its mailboxes.' }),
      messageId: t.arg.id({ description: 'Only events of this message.' }),
      from: t.arg({ type: 'DateTime', description: 'Only events at or after this time.' }),
      until: t.arg({ type: 'DateTime', description: 'Only events before this time.' }),
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
      // The head is read first, so events that are appended meanwhile come after it and do not count.
      const head = { seq: account.eventSeq, hash: Buffer.from(account.eventHash) };
      return verifyChain(accountId, readTimeline(prisma, accountId, head.seq, signal), head);
    },
  }),
  eventSchemas: t.field({
    description: 'All schemas with which events may have been written.',
    type: [EventSchema],
    resolve: eventSchemas,
  }),
}));

builder.subscriptionField('events', (t) =>
  t.field({
    description:
      'Sends the events of an account in order, as they are committed. After a reconnect, pass the `seq` of the last event you received, and you get every later event exactly once.',
    type: Event,
    args: {
      accountId: t.arg.id({ required: true }),
      afterSeq: t.arg({
        type: 'BigInt',
        description: 'Start after this event; 0 for the whole timeline. Default: only new events.',
      }),
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
  // Deleted messages and mailboxes still have events, so their ids are not looked up. The account has been checked.
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

/** Returns `afterSeq` after checking that it is a non-negative 64-bit integer. */
function seqOf(afterSeq: bigint | null | undefined): bigint | null {
  if (afterSeq == null) return null;
  if (BigInt.asIntN(64, afterSeq) !== afterSeq || afterSeq < 0n) {
    throw new MailtideError('BAD_USER_INPUT', { message: '"afterSeq" must be the seq of an event, or 0.' });
  }
  return afterSeq;
}

const hex = (hash: Uint8Array): string => Buffer.from(hash).toString('hex');
