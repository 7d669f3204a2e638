import {
  FACT_KINDS,
  type FactKind,
  type HistoryLocation,
  historyOf,
  type MessageFact,
} from '../../domain/message-history.ts';
import { MailtideError } from '../../errors.ts';
import { builder } from '../builder.ts';
import type { GraphQLContext } from '../context.ts';
import { requireVisible } from '../found.ts';
import { encodeId } from '../ids.ts';

const MessageFactKind = builder.enumType('MessageFactKind', {
  values: Object.fromEntries(
    Object.entries(FACT_KINDS).map(([kind, description]) => [kind, { description }]),
  ) as Record<FactKind, { description: string }>,
});

const Fact = builder.objectRef<MessageFact>('MessageFact').implement({
  fields: (t) => ({
    at: t.expose('at', { type: 'DateTime' }),
    kind: t.expose('kind', { type: MessageFactKind }),
    mailbox: t.exposeString('mailbox', { description: 'The path of the mailbox.' }),
    uid: t.expose('uid', { type: 'BigInt' }),
    detail: t.exposeString('detail', { nullable: true }),
  }),
});

interface History {
  readonly messageId: string | null;
  readonly facts: readonly MessageFact[];
}

const MessageHistory = builder.objectRef<History>('MessageHistory').implement({
  description: 'What Mailtide recorded about one message, in order.',
  fields: (t) => ({
    messageId: t.id({
      nullable: true,
      description: 'The id of the `Message`; null while nothing of it is stored.',
      resolve: ({ messageId }) => (messageId === null ? null : encodeId('Message', messageId)),
    }),
    facts: t.field({ type: [Fact], resolve: ({ facts }) => [...facts] }),
  }),
});

/** Limits on the messages that share a Message-ID, and on the events of one message. */
const MAX_MESSAGES = 20;
const MAX_EVENTS = 1000;

builder.queryFields((t) => ({
  explainMessage: t.field({
    description:
      'The history of the message at a UID of a mailbox, or of all messages with a Message-ID: when it was listed, fetched, retried, moved and deleted.',
    type: [MessageHistory],
    complexity: 500,
    args: {
      accountId: t.arg.id({ required: true }),
      mailboxId: t.arg.id({ description: 'Requires `uid`.' }),
      uid: t.arg({ type: 'BigInt' }),
      messageIdHeader: t.arg.string({
        description: 'Instead of `mailboxId` and `uid`: the Message-ID header, with or without angle brackets.',
      }),
    },
    resolve: async (_root, { accountId, mailboxId, uid, messageIdHeader }, context) => {
      const account = await requireVisible(context, 'EmailAccount', accountId);
      if (messageIdHeader && !mailboxId && uid == null) {
        const bare = messageIdHeader.trim().replace(/^<|>$/g, '');
        const messages = await context.prisma.message.findMany({
          where: { accountId: account, messageIdHeader: `<${bare}>` },
          select: { id: true },
          orderBy: { receivedAt: 'asc' },
          take: MAX_MESSAGES,
        });
        return Promise.all(messages.map(({ id }) => historyOfMessage(context, account, id)));
      }
      if (!mailboxId || uid == null || messageIdHeader) {
        throw new MailtideError('BAD_USER_INPUT', {
          message: 'Pass either "mailboxId" and "uid", or "messageIdHeader".',
        });
      }
      const mailbox = await requireVisible(context, 'Mailbox', mailboxId);
      const at = await locations(context, { accountId: account, mailboxId: mailbox, uid });
      const ids = [...new Set(at.map(({ messageId }) => messageId))];
      return Promise.all(
        ids.map((id) =>
          id === null
            ? historyOfPlace(
                context,
                account,
                at.filter(({ messageId }) => messageId === null),
              )
            : historyOfMessage(context, account, id),
        ),
      );
    },
  }),
}));

async function historyOfMessage(context: GraphQLContext, accountId: string, messageId: string): Promise<History> {
  const places = await locations(context, { accountId, messageId });
  // Events from before the message was known name only its mailbox and UID.
  const events = await eventsOf(context, accountId, [
    { payload: { path: ['messageId'], equals: messageId } },
    ...places.map(quarantinedAt),
  ]);
  return { messageId, facts: historyOf(places, events) };
}

/** Returns the history of a UID whose message is unknown, because its bytes were never fetched. */
async function historyOfPlace(
  context: GraphQLContext,
  accountId: string,
  places: readonly HistoryLocation[],
): Promise<History> {
  const events = await eventsOf(context, accountId, places.map(quarantinedAt));
  return { messageId: null, facts: historyOf(places, events) };
}

const quarantinedAt = ({ mailboxId, uid }: HistoryLocation) => ({
  type: 'email_quarantined',
  AND: [{ payload: { path: ['mailboxId'], equals: mailboxId } }, { payload: { path: ['uid'], equals: Number(uid) } }],
});

async function locations(
  { prisma }: GraphQLContext,
  where: { accountId: string; mailboxId?: string; uid?: bigint; messageId?: string },
): Promise<HistoryLocation[]> {
  const rows = await prisma.messageLocation.findMany({
    where,
    select: {
      mailboxId: true,
      uid: true,
      messageId: true,
      firstListedAt: true,
      storedAt: true,
      deletedAt: true,
      mailbox: { select: { path: true } },
    },
    take: MAX_EVENTS,
  });
  return rows.map(({ mailbox, ...row }) => ({ ...row, mailbox: mailbox.path }));
}

function eventsOf({ prisma }: GraphQLContext, accountId: string, either: object[]) {
  return prisma.event.findMany({
    where: { accountId, OR: either },
    select: { type: true, occurredAt: true, payload: true },
    orderBy: { seq: 'asc' },
    take: MAX_EVENTS,
  });
}
