import { Prisma, type PrismaClient } from '../../generated/prisma/client.ts';

/**
 * How a row belongs to its tenant. A model without a rule cannot be read through the scope at all, so that a new model
 * is invisible until it gets one.
 */
const OF_ACCOUNT = (tenantId: string) => ({ account: { tenantId } });
const OF_MESSAGE = (tenantId: string) => ({ message: { account: { tenantId } } });
const OF_RUN = (tenantId: string) => ({ run: { account: { tenantId } } });
const RULES: Partial<Record<Prisma.ModelName, (tenantId: string) => object>> = {
  Tenant: (tenantId) => ({ id: tenantId }),
  EmailAccount: (tenantId) => ({ tenantId }),
  Mailbox: OF_ACCOUNT,
  MailboxProof: (tenantId) => ({ mailbox: { account: { tenantId } } }),
  MessageLocation: OF_ACCOUNT,
  Message: OF_ACCOUNT,
  Thread: OF_ACCOUNT,
  SyncRun: OF_ACCOUNT,
  SyncReceipt: OF_RUN,
  SyncRunMailbox: OF_RUN,
  Event: OF_ACCOUNT,
  Pack: OF_ACCOUNT,
  Attachment: OF_MESSAGE,
  OAuthGrant: (tenantId) => ({ tenantId }),
  OAuthAttempt: (tenantId) => ({ tenantId }),
};

const READS = [
  'findUnique',
  'findUniqueOrThrow',
  'findFirst',
  'findFirstOrThrow',
  'findMany',
  'count',
  'aggregate',
  'groupBy',
] as const;
type Read = (typeof READS)[number];

/** The database as one tenant sees it: read access to its own rows. */
export type TenantReader = {
  readonly [Model in Uncapitalize<Prisma.ModelName>]: Pick<PrismaClient[Model], Read>;
};

/**
 * Returns a client that adds the tenant's condition to every read and refuses everything else, even to code that
 * circumvents the type. Relations need no rule: they never lead from one tenant's row to another's.
 */
export function tenantScoped(prisma: PrismaClient, tenantId: string): TenantReader {
  const scoped: unknown = prisma.$extends(
    Prisma.defineExtension({
      name: 'tenant-scope',
      query: {
        $allOperations({ model, operation, args, query }) {
          const rule = RULES[model as Prisma.ModelName];
          if (!rule) throw new Error(`${model ?? operation} cannot be used within a tenant's scope.`);
          if (!READS.includes(operation as Read)) throw new Error(`${operation} is not a read.`);
          const { where, ...rest } = (args ?? {}) as { where?: object };
          return query({ ...rest, where: { ...where, AND: [andOf(where), rule(tenantId)].flat() } });
        },
      },
    }),
  );
  return scoped as TenantReader;
}

/** Returns the caller's conditions under AND, which are kept beside the tenant's. */
const andOf = (where: { AND?: object | object[] } = {}): object[] => (where.AND ? [where.AND].flat() : []);
