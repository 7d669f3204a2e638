import type { ConnectionSecurity } from '../../domain/imap-types.ts';
import { builder } from '../builder.ts';
import { found } from '../found.ts';
import { decodeIdOrNone, encodeId, requireId } from '../ids.ts';
import { EmailAccountAuth } from './account-auth.ts';
import { AccountTotals } from './account-totals.ts';
import { CredentialsInput, ImapSecurity, ImapServerInput } from './email-connection.ts';
import { SyncStatus } from './sync-status.ts';

const ImapServer = builder
  .objectRef<{ imapHost: string; imapPort: number; imapSecurity: ConnectionSecurity; imapUsername: string }>(
    'ImapServer',
  )
  .implement({
    description: 'The server and the username with which an account logs in.',
    fields: (t) => ({
      host: t.exposeString('imapHost'),
      port: t.exposeInt('imapPort'),
      security: t.expose('imapSecurity', { type: ImapSecurity }),
      username: t.exposeString('imapUsername'),
    }),
  });

export const EmailAccount = builder.prismaObject('EmailAccount', {
  description: 'One login at one IMAP server, and the mail that it gives access to.',
  // Selects only what is requested, so that the stored credentials never leave the database for an answer.
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
    auth: t.field({
      type: EmailAccountAuth,
      select: {
        needsAuthSince: true,
        lastSyncErrorCode: true,
        grant: {
          select: { provider: true, emailAddress: true, scopes: true, deadReason: true, refreshExpiresAt: true },
        },
      },
      resolve: (account) => account,
    }),
    isActive: t.exposeBoolean('isActive', {
      description: 'False while the account is paused. A paused account does not sync.',
    }),
    syncIntervalMinutes: t.exposeInt('syncIntervalMinutes', {
      nullable: true,
      description: 'Minutes between two scheduled syncs; null for the default of the installation.',
    }),
    syncStatus: t.variant(SyncStatus),
    mailboxes: t.relatedConnection('mailboxes', {
      description: 'The mailboxes that the server lists now, ordered by path.',
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
    description: 'The account with this id. Null if it does not exist or you do not have access to it.',
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
      description: 'Test the connection first, and do not create the account if the test fails.',
    }),
  }),
});

const UpdateEmailAccountInput = builder.inputType('UpdateEmailAccountInput', {
  description: 'Fields that are left out keep their values.',
  fields: (t) => ({
    displayName: t.string(),
    imap: t.field({ type: ImapServerInput }),
    credentials: t.field({ type: CredentialsInput }),
    syncIntervalMinutes: t.int(),
    isActive: t.boolean(),
    verify: t.boolean({
      required: true,
      defaultValue: true,
      description: 'Test a changed connection first, and do not change the account if the test fails.',
    }),
  }),
});

builder.mutationFields((t) => ({
  createEmailAccount: t.prismaField({
    description: 'Connects an account. It first syncs when you call `startEmailSync`, or by the schedule.',
    type: EmailAccount,
    args: { input: t.arg({ type: CreateEmailAccountInput, required: true }) },
    resolve: async (query, _root, { input }, { prisma, services, tenantId, signal }) => {
      const { id } = await services.accounts.create(tenantId, input, signal);
      // Another client may have deleted it meanwhile.
      return found(await prisma.emailAccount.findUnique({ ...query, where: { id } }));
    },
  }),
  updateEmailAccount: t.prismaField({
    description: 'Changes an account. Fields that are left out keep their values.',
    type: EmailAccount,
    args: { id: t.arg.id({ required: true }), input: t.arg({ type: UpdateEmailAccountInput, required: true }) },
    resolve: async (query, _root, args, { prisma, services, tenantId, signal }) => {
      const id = requireId('EmailAccount', args.id);
      await services.accounts.update(tenantId, id, args.input, signal);
      return found(await prisma.emailAccount.findUnique({ ...query, where: { id } }));
    },
  }),
  deleteEmailAccount: t.id({
    description:
      'Stops the sync of an account and deletes it with all its stored mail and events. Nothing changes on its server.',
    args: { id: t.arg.id({ required: true }) },
    resolve: async (_root, args, { services, tenantId }) => {
      await services.accounts.delete(tenantId, requireId('EmailAccount', args.id));
      return args.id;
    },
  }),
}));
