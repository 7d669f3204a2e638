import { builder } from '../builder.ts';
import { encodeId } from '../ids.ts';

const Tenant = builder.prismaObject('Tenant', {
  description: 'A customer of this installation. A tenant sees only its own data.',
  fields: (t) => ({
    id: t.id({ resolve: ({ id }) => encodeId('Tenant', id) }),
    name: t.exposeString('name'),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
});

const Viewer = builder.objectRef<{ tenantId: string }>('Viewer').implement({
  description: 'The tenant that sends the request.',
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
    description: 'The tenant that sends the request, identified by its API key or session cookie.',
    type: Viewer,
    resolve: (_root, _args, { tenantId }) => ({ tenantId }),
  }),
);
