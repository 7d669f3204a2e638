import { builder } from '../builder.ts';
import { encodeId } from '../ids.ts';

const Tenant = builder.prismaObject('Tenant', {
  description: 'One customer of this installation. It sees its own rows only.',
  fields: (t) => ({
    id: t.id({ resolve: ({ id }) => encodeId('Tenant', id) }),
    name: t.exposeString('name'),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
});

const Viewer = builder.objectRef<{ tenantId: string }>('Viewer').implement({
  description: 'Who asks.',
  fields: (t) => ({
    tenant: t.prismaField({
      type: Tenant,
      resolve: (query, { tenantId }, _args, { prisma }) =>
        prisma.tenant.findUniqueOrThrow({ ...query, where: { id: tenantId } }),
    }),
  }),
});

builder.queryField('viewer', (t) =>
  t.field({
    description: 'Who asks, by the key or the cookie of the request.',
    type: Viewer,
    resolve: (_root, _args, { tenantId }) => ({ tenantId }),
  }),
);
