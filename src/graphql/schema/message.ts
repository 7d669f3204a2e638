import { queryFromInfo } from '@pothos/plugin-prisma';
import type { TextSegment as Segment } from '../../domain/highlight.ts';
import { EXCERPT_WITHIN, type Highlights } from '../../domain/highlights.ts';
import type { MailAddress as Address } from '../../domain/imap-types.ts';
import { MailtideError } from '../../errors.ts';
import { searchMessages } from '../../store/mail/search-messages.ts';
import { builder } from '../builder.ts';
import type { GraphQLContext } from '../context.ts';
import { requireVisible } from '../found.ts';
import { decodeIdOrNone, encodeId } from '../ids.ts';
import { DEFAULT_PAGE } from '../list-arguments.ts';
import { decodePosition, encodePosition } from '../message-cursor.ts';

export const MailAddress = builder.objectRef<Address>('MailAddress').implement({
  fields: (t) => ({
    name: t.exposeString('name', { nullable: true }),
    address: t.exposeString('address', { nullable: true }),
  }),
});

/** Written as MailAddress lists by the store (src/domain/imap-types.ts). */
const addresses = (stored: unknown): Address[] => stored as Address[];

const TextSegment = builder.objectRef<Segment>('TextSegment').implement({
  description: 'A piece of a text; in order they are the text. Text, never HTML.',
  fields: (t) => ({
    text: t.exposeString('text'),
    isMatch: t.exposeBoolean('isMatch', { description: 'It is what was searched for.' }),
  }),
});

const MessageHighlights = builder.objectRef<Highlights>('MessageHighlights').implement({
  fields: (t) => ({
    subject: t.expose('subject', { type: [TextSegment] }),
    from: t.expose('from', { type: [TextSegment], description: 'The name of its sender, else the address.' }),
    excerpt: t.expose('excerpt', {
      type: [TextSegment],
      description: 'Its text around the first match, or its snippet when what was searched for is elsewhere.',
    }),
  }),
});

/** Its text has to be read for it: of each of 100 messages, that may be done twice or so. */
const TEXT_COMPLEXITY = 50;

/** @throws NOT_FOUND when it was deleted with its account meanwhile. */
async function textOf(messageId: string, context: GraphQLContext): Promise<string> {
  const text = await context.textOf(messageId);
  if (text === undefined) throw new MailtideError('NOT_FOUND');
  return text;
}

const Message = builder.prismaObject('Message', {
  description: 'A message as it was received, once per account in however many mailboxes.',
  // Names what is read: the full-text column is large, and few lists ask for texts.
  select: { id: true },
  fields: (t) => ({
    id: t.id({ resolve: ({ id }) => encodeId('Message', id) }),
    account: t.relation('account'),
    messageIdHeader: t.exposeString('messageIdHeader', { nullable: true }),
    subject: t.exposeString('subject', { nullable: true }),
    from: t.field({ type: [MailAddress], select: { from: true }, resolve: ({ from }) => addresses(from) }),
    to: t.field({ type: [MailAddress], select: { to: true }, resolve: ({ to }) => addresses(to) }),
    cc: t.field({ type: [MailAddress], select: { cc: true }, resolve: ({ cc }) => addresses(cc) }),
    bcc: t.field({ type: [MailAddress], select: { bcc: true }, resolve: ({ bcc }) => addresses(bcc) }),
    replyTo: t.field({ type: [MailAddress], select: { replyTo: true }, resolve: ({ replyTo }) => addresses(replyTo) }),
    sentAt: t.expose('sentAt', { type: 'DateTime', nullable: true, description: 'What its Date header says.' }),
    receivedAt: t.expose('receivedAt', { type: 'DateTime', description: 'When its server received it.' }),
    snippet: t.exposeString('snippet', { description: 'The first words of the text.' }),
    text: t.string({
      complexity: TEXT_COMPLEXITY,
      resolve: ({ id }, _args, context) => textOf(id, context),
    }),
    html: t.string({
      complexity: TEXT_COMPLEXITY,
      nullable: true,
      description: "As it was sent: a stranger's, never show it unsanitised.",
      resolve: async ({ id }, _args, context) => (await context.htmlOf(id)) ?? null,
    }),
    htmlUrl: t.string({
      nullable: true,
      description:
        'Where its HTML is as a document that is safe to show, in a sandboxed frame; with `?images=remote` it also loads images from other servers. Null when it has none.',
      select: { id: true, htmlSize: true },
      resolve: ({ id, htmlSize }) => (htmlSize === null ? null : `/messages/${encodeId('Message', id)}/html`),
    }),
    hasRemoteImages: t.boolean({
      description: 'Whether its HTML seems to ask for images of other servers.',
      select: { id: true, htmlSize: true, hasRemoteImages: true },
      resolve: ({ id, htmlSize, hasRemoteImages }, _args, context) =>
        htmlSize !== null && (hasRemoteImages ?? context.hasRemoteImages(id)),
    }),
    highlights: t.field({
      description: 'Where it has what `messages(search:)` searches for: the first 20 of its words and phrases.',
      type: MessageHighlights,
      complexity: { field: TEXT_COMPLEXITY },
      args: { search: t.arg.string({ required: true }) },
      select: { id: true, subject: true, from: true, snippet: true },
      resolve: async ({ id, subject, from, snippet }, { search }, context) => {
        const text = (await textOf(id, context)).slice(0, EXCERPT_WITHIN);
        const [sender] = addresses(from);
        const message = { subject: subject ?? '', from: sender?.name ?? sender?.address ?? '', snippet, text };
        return context.highlights(message, search);
      },
    }),
    size: t.exposeInt('size', { description: 'Bytes of its source.' }),
    sourceSha256: t.string({ select: { sha256: true }, resolve: ({ sha256 }) => Buffer.from(sha256).toString('hex') }),
    sourceUrl: t.string({
      description: 'Where its bytes as received are, with the same authentication as here.',
      resolve: ({ id }) => `/messages/${encodeId('Message', id)}/source`,
    }),
    hasAttachments: t.exposeBoolean('hasAttachments'),
    parseError: t.exposeString('parseError', {
      nullable: true,
      description: 'Why less than the whole message could be read; null when all of it was.',
    }),
    headersOnly: t.exposeBoolean('headersOnly', {
      description: 'It is larger than this installation stores (MAX_MESSAGE_BYTES): its source ends with the header.',
    }),
    attachments: t.relation('attachments', { query: { orderBy: { index: 'asc' } } }),
    thread: t.relation('thread'),
    locations: t.relation('locations', {
      description: 'Where it is now; empty when it was deleted everywhere.',
      query: { where: { deletedAt: null }, orderBy: [{ mailboxId: 'asc' }, { uid: 'asc' }] },
    }),
  }),
});

const MessagesConnection = builder.connectionObject(
  { type: Message, name: 'QueryMessagesConnection' },
  { name: 'QueryMessagesConnectionEdge' },
);

builder.queryFields((t) => ({
  message: t.prismaField({
    description: 'Null when there is no such message, or it is not yours.',
    type: Message,
    nullable: true,
    args: { id: t.arg.id({ required: true }) },
    resolve: (query, _root, args, { prisma }) =>
      prisma.message.findUnique({ ...query, where: { id: decodeIdOrNone('Message', args.id) } }),
  }),
  messages: t.field({
    description: 'The messages that are in a mailbox now, newest first. All conditions must hold.',
    type: MessagesConnection,
    args: {
      accountId: t.arg.id(),
      mailboxId: t.arg.id(),
      threadId: t.arg.id(),
      search: t.arg.string({
        description:
          'Words that all must occur, "a phrase", or, -not; in subject, addresses, attachment names and text. The last word may be the beginning of one, unless a space follows.',
      }),
      unread: t.arg.boolean({ description: 'Those without the flag `\\Seen` somewhere, or with it.' }),
      flagged: t.arg.boolean({ description: 'Those with the flag `\\Flagged` somewhere, or without it.' }),
      collapseThreads: t.arg.boolean({
        description: 'Of each thread only the newest message that all conditions hold for, as in JMAP.',
      }),
      first: t.arg.int(),
      after: t.arg.string(),
    },
    resolve: async (_root, args, context, info) => {
      const size = args.first ?? DEFAULT_PAGE;
      const after = args.after ? decodePosition(args.after) : null;
      const filter = {
        tenantId: context.tenantId,
        accountId: args.accountId ? await requireVisible(context, 'EmailAccount', args.accountId) : undefined,
        mailboxId: args.mailboxId ? await requireVisible(context, 'Mailbox', args.mailboxId) : undefined,
        threadId: args.threadId ? await requireVisible(context, 'Thread', args.threadId) : undefined,
        search: searchWords(args.search),
        unread: args.unread ?? undefined,
        flagged: args.flagged ?? undefined,
        collapseThreads: args.collapseThreads ?? undefined,
      };
      const positions = await searchMessages(context.services.database.pool, filter, size + 1, after);
      const page = positions.slice(0, size);
      const { select } = queryFromInfo({ context, info, path: ['edges', 'node'], select: { id: true } });
      const rows = await context.prisma.message.findMany({ select, where: { id: { in: page.map(({ id }) => id) } } });
      const byId = new Map(rows.map((row) => [row.id, row]));
      // A message that was deleted between the two queries is left out.
      const edges = page.flatMap((position) => {
        const node = byId.get(position.id);
        return node ? [{ node, cursor: encodePosition(position) }] : [];
      });
      return {
        edges,
        pageInfo: {
          hasNextPage: positions.length > size,
          hasPreviousPage: after !== null,
          startCursor: edges.at(0)?.cursor ?? null,
          endCursor: edges.at(-1)?.cursor ?? null,
        },
      };
    },
  }),
}));

/** More words than anybody types cost the database much and find nothing. */
const MAX_SEARCH_LENGTH = 1000;

function searchWords(search: string | null | undefined): string | undefined {
  if (search && search.length > MAX_SEARCH_LENGTH) {
    throw new MailtideError('BAD_USER_INPUT', { message: `"search" is longer than ${MAX_SEARCH_LENGTH} characters.` });
  }
  const words = search?.trimStart();
  return words || undefined;
}
