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

/** The store writes these columns as lists of MailAddress (src/domain/imap-types.ts). */
const addresses = (stored: unknown): Address[] => stored as Address[];

const TextSegment = builder.objectRef<Segment>('TextSegment').implement({
  description: 'A segment of a text. Joined in order, the segments are the text. Plain text, never HTML.',
  fields: (t) => ({
    text: t.exposeString('text'),
    isMatch: t.exposeBoolean('isMatch', { description: 'True if this segment matches the search.' }),
  }),
});

const MessageHighlights = builder.objectRef<Highlights>('MessageHighlights').implement({
  fields: (t) => ({
    subject: t.expose('subject', { type: [TextSegment] }),
    from: t.expose('from', { type: [TextSegment], description: 'The name of the sender, else the address.' }),
    excerpt: t.expose('excerpt', {
      type: [TextSegment],
      description: 'The text around the first match, or the snippet if the text has no match.',
    }),
  }),
});

/** The cost of a field that reads the message's text. A query for 100 messages can have about two such fields. */
const TEXT_COMPLEXITY = 50;

/** Returns a message's text. @throws NOT_FOUND if the message was deleted with its account meanwhile */
async function textOf(messageId: string, context: GraphQLContext): Promise<string> {
  const text = await context.textOf(messageId);
  if (text === undefined) throw new MailtideError('NOT_FOUND');
  return text;
}

const Message = builder.prismaObject('Message', {
  description: 'A received message. It exists once per account, even if it is in several mailboxes.',
  // Selects only what is requested: the full-text column is large, and few lists request texts.
  select: { id: true },
  fields: (t) => ({
    id: t.id({ resolve: ({ id }) => encodeId('Message', id) }),
    account: t.relation('account'),
    messageIdHeader: t.exposeString('messageIdHeader', { nullable: true }),
    subject: t.exposeString('subject', { nullable: true }),
    from: t.field({
      type: [MailAddress],
      description: 'The authors (From), or the Sender if the message names no author.',
      select: { from: true },
      resolve: ({ from }) => addresses(from),
    }),
    to: t.field({ type: [MailAddress], select: { to: true }, resolve: ({ to }) => addresses(to) }),
    cc: t.field({ type: [MailAddress], select: { cc: true }, resolve: ({ cc }) => addresses(cc) }),
    bcc: t.field({ type: [MailAddress], select: { bcc: true }, resolve: ({ bcc }) => addresses(bcc) }),
    replyTo: t.field({ type: [MailAddress], select: { replyTo: true }, resolve: ({ replyTo }) => addresses(replyTo) }),
    sentAt: t.expose('sentAt', { type: 'DateTime', nullable: true, description: 'The time in its Date header.' }),
    receivedAt: t.expose('receivedAt', { type: 'DateTime', description: 'When the server received it.' }),
    snippet: t.exposeString('snippet', { description: 'The beginning of the text.' }),
    text: t.string({
      complexity: TEXT_COMPLEXITY,
      resolve: ({ id }, _args, context) => textOf(id, context),
    }),
    html: t.string({
      complexity: TEXT_COMPLEXITY,
      nullable: true,
      description: 'The HTML as it was sent. It is untrusted: never render it unsanitised.',
      resolve: async ({ id }, _args, context) => (await context.htmlOf(id)) ?? null,
    }),
    htmlUrl: t.string({
      nullable: true,
      description:
        'The path of its HTML as a sanitised document, to be shown in a sandboxed frame. With `?images=remote` the document also loads images from other servers. Null if the message has no HTML.',
      select: { id: true, htmlSize: true },
      resolve: ({ id, htmlSize }) => (htmlSize === null ? null : `/messages/${encodeId('Message', id)}/html`),
    }),
    hasRemoteImages: t.boolean({
      description: 'True if its HTML seems to load images from other servers.',
      select: { id: true, htmlSize: true, hasRemoteImages: true },
      resolve: ({ id, htmlSize, hasRemoteImages }, _args, context) =>
        htmlSize !== null && (hasRemoteImages ?? context.hasRemoteImages(id)),
    }),
    highlights: t.field({
      description:
        'Where it matches a search, as in `messages(search:)`. Only the first 20 words and phrases of the search count.',
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
    size: t.exposeInt('size', { description: 'The size of its source in bytes.' }),
    sourceSha256: t.string({ select: { sha256: true }, resolve: ({ sha256 }) => Buffer.from(sha256).toString('hex') }),
    sourceUrl: t.string({
      description: 'The path from which to download its source as received, with the same authentication as the API.',
      resolve: ({ id }) => `/messages/${encodeId('Message', id)}/source`,
    }),
    hasAttachments: t.exposeBoolean('hasAttachments'),
    parseError: t.exposeString('parseError', {
      nullable: true,
      description: 'Why only part of the message could be parsed; null if all of it was.',
    }),
    headersOnly: t.exposeBoolean('headersOnly', {
      description:
        'True if it is larger than this installation stores (MAX_MESSAGE_BYTES). Its stored source then ends with the header.',
    }),
    attachments: t.relation('attachments', { query: { orderBy: { index: 'asc' } } }),
    thread: t.relation('thread'),
    locations: t.relation('locations', {
      description: 'The mailboxes that it is in now. Empty if it was deleted from all of them.',
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
    description: 'The message with this id. Null if it does not exist or you do not have access to it.',
    type: Message,
    nullable: true,
    args: { id: t.arg.id({ required: true }) },
    resolve: (query, _root, args, { prisma }) =>
      prisma.message.findUnique({ ...query, where: { id: decodeIdOrNone('Message', args.id) } }),
  }),
  messages: t.field({
    description:
      'The messages that match all conditions, newest first. Messages that have left every mailbox are not included.',
    type: MessagesConnection,
    args: {
      accountId: t.arg.id(),
      mailboxId: t.arg.id(),
      threadId: t.arg.id(),
      search: t.arg.string({
        description:
          'Words that must all occur in the subject, addresses, attachment names or text. Supports `"a phrase"`, `or` and `-not`. The last word also matches as a prefix, unless a space follows it.',
      }),
      unread: t.arg.boolean({ description: '`true`: unread in at least one mailbox. `false`: read in at least one.' }),
      flagged: t.arg.boolean({
        description: '`true`: flagged in at least one mailbox. `false`: not flagged in at least one.',
      }),
      collapseThreads: t.arg.boolean({
        description: 'Return only the newest matching message of each thread, as in JMAP.',
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
      // Leaves out messages that were deleted between the two queries.
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

/** Long searches are expensive for the database, and nobody types them. */
const MAX_SEARCH_LENGTH = 1000;

function searchWords(search: string | null | undefined): string | undefined {
  if (search && search.length > MAX_SEARCH_LENGTH) {
    throw new MailtideError('BAD_USER_INPUT', {
      message: `"search" must be at most ${MAX_SEARCH_LENGTH} characters long.`,
    });
  }
  const words = search?.trimStart();
  return words || undefined;
}
