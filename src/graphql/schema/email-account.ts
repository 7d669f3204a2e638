import { builder } from '../builder.ts';
import { found } from '../found.ts';
import { decodeIdOrNone, encodeId, requireId } from '../ids.ts';
import { AccountTotals } from './account-totals.ts';
import { CredentialsInput, ImapSecurity, ImapServerInput } from './email-connection.ts';
import { SyncStatus } from './sync-status.ts';

const ImapServer = builder
  .objectRef<{ imapHost: string; imapPort: number; imapSecurity: 'TLS' | 'STARTTLS' | 'NONE'; imapUsername: string }>(
    'ImapServer',
  )
  .implement({
    description: 'Where and as whom an account logs in.',
    fields: (t) => ({
      host: t.exposeString('imapHost'),
      port: t.exposeInt('imapPort'),
      security: t.expose('imapSecurity', { type: ImapSecurity }),
      username: t.exposeString('imapUsername'),
    }),
  });

export const EmailAccount = builder.prismaObject('EmailAccount', {
  description: "One mailbox owner's login at one IMAP server.",
  // Names what is read: the stored credentials never leave the database for an answer.
  select: { id: true },
  fields: (t) => ({
    id: t.id({ resolve: ({ id }) => encodeId('EmailAccount', id) }),
    emailAddress: t.exposeString('emailAddress'),
    displayName: t.exposeString('displayName', { nullable: true }),
    imap: t.field({
      type: ImapServer,
      select: { imapHost: true, imapPort: true, imapSecurity: true, imapUsername: true },
      resolve: (account) => account,
    }),
    isActive: t.exposeBoolean('isActive', { description: 'False while the account is paused: it is not synced.' }),
    syncIntervalMinutes: t.exposeInt('syncIntervalMinutes', {
      nullable: true,
      description: 'Time between two scheduled syncs; null for the default of the installation.',
    }),
    syncStatus: t.variant(SyncStatus),
    mailboxes: t.relatedConnection('mailboxes', {
      description: 'The mailboxes that the server lists now, by path.',
      cursor: 'id',
      query: { where: { deletedAt: null }, orderBy: [{ path: 'asc' }, { id: 'asc' }] },
    }),
    totals: t.field({
      type: AccountTotals,
      select: {
        listUnread: true,
        mailboxes: {
          where: { deletedAt: null },
          select: { id: true, messageCount: true, unreadCount: true, proof: { select: { provenCurrentAt: true } } },
        },
      },
      resolve: (account) => account,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
  }),
});

builder.queryFields((t) => ({
  emailAccount: t.prismaField({
    description: 'Null when there is no such account, or it is not yours.',
    type: EmailAccount,
    nullable: true,
    args: { id: t.arg.id({ required: true }) },
    resolve: (query, _root, args, { prisma }) =>
      prisma.emailAccount.findUnique({ ...query, where: { id: decodeIdOrNone('EmailAccount', args.id) } }),
  }),
  emailAccounts: t.prismaConnection({
    description: 'Your accounts, oldest first.',
    type: EmailAccount,
    cursor: 'id',
    resolve: (query, _root, _args, { prisma }) =>
      prisma.emailAccount.findMany({ ...query, orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] }),
  }),
}));

const CreateEmailAccountInput = builder.inputType('CreateEmailAccountInput', {
  fields: (t) => ({
    emailAddress: t.string({ required: true }),
    displayName: t.string(),
    imap: t.field({ type: ImapServerInput, required: true }),
    credentials: t.field({ type: CredentialsInput, required: true }),
    syncIntervalMinutes: t.int(),
    isActive: t.boolean({ required: true, defaultValue: true }),
    verify: t.boolean({
      required: true,
      defaultValue: true,
      description: 'Whether the connection must work for the account to be made.',
    }),
  }),
});

const UpdateEmailAccountInput = builder.inputType('UpdateEmailAccountInput', {
  description: 'What is left out stays as it is.',
  fields: (t) => ({
    displayName: t.string(),
    imap: t.field({ type: ImapServerInput }),
    credentials: t.field({ type: CredentialsInput }),
    syncIntervalMinutes: t.int(),
    isActive: t.boolean(),
    verify: t.boolean({
      required: true,
      defaultValue: true,
      description: 'Whether a changed connection must work for the account to be changed.',
    }),
  }),
});

builder.mutationFields((t) => ({
  createEmailAccount: t.prismaField({
    description: 'Connects a mailbox. Nothing is synced before startEmailSync or the schedule.',
    type: EmailAccount,
    args: { input: t.arg({ type: CreateEmailAccountInput, required: true }) },
    resolve: async (query, _root, { input }, { prisma, services, tenantId, signal }) => {
      const { id } = await services.accounts.create(tenantId, input, signal);
      // Somebody else may have deleted it by now.
      return found(await prisma.emailAccount.findUnique({ ...query, where: { id } }));
    },
  }),
  updateEmailAccount: t.prismaField({
    type: EmailAccount,
    args: { id: t.arg.id({ required: true }), input: t.arg({ type: UpdateEmailAccountInput, required: true }) },
    resolve: async (query, _root, args, { prisma, services, tenantId, signal }) => {
      const id = requireId('EmailAccount', args.id);
      await services.accounts.update(tenantId, id, args.input, signal);
      return found(await prisma.emailAccount.findUnique({ ...query, where: { id } }));
    },
  }),
  deleteEmailAccount: t.id({
    description: 'Ends its sync and deletes the account with all that is stored of it. Its server is not touched.',
    args: { id: t.arg.id({ required: true }) },
    resolve: async (_root, args, { services, tenantId }) => {
      await services.accounts.delete(tenantId, requireId('EmailAccount', args.id));
      return args.id;
    },
  }),
}));
