import { abortable } from '../abortable.ts';
import { builder } from '../builder.ts';
import { encodeId } from '../ids.ts';

const AccountChange = builder.objectRef<{ readonly accountId: string }>('AccountChange').implement({
  description: 'An account was added, changed or deleted.',
  fields: (t) => ({
    accountId: t.id({ resolve: ({ accountId }) => encodeId('EmailAccount', accountId) }),
    account: t.prismaField({
      description: 'The account as it is now; null if it was deleted.',
      type: 'EmailAccount',
      nullable: true,
      resolve: (query, { accountId }, _args, { prisma }) =>
        prisma.emailAccount.findUnique({ ...query, where: { id: accountId } }),
    }),
  }),
});

builder.subscriptionField('accountChanges', (t) =>
  t.field({
    description:
      'Sends each of your accounts that is added, changed or deleted from now on, by any client. For the progress of syncs, use `syncActivity`.',
    type: AccountChange,
    subscribe: (_root, _args, { services, tenantId, signal }) =>
      abortable(signal, (ended) => services.accountChanges.ofTenant(tenantId, ended)),
    resolve: (change) => change,
  }),
);
