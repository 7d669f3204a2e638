import type { Accounts } from '../accounts/accounts.ts';
import type { Syncs } from '../jobs/syncs.ts';
import type { EventFeed } from '../live/event-feed.ts';
import type { ProgressFeed } from '../live/progress-feed.ts';
import type { Identity } from '../store/api-key.ts';
import type { Database } from '../store/database.ts';
import { type TenantReader, tenantScoped } from '../store/tenant-scope.ts';

/** What resolvers call to get things done. */
export interface Services {
  readonly database: Database;
  readonly accounts: Accounts;
  readonly syncs: Syncs;
  readonly progress: ProgressFeed;
  readonly timeline: EventFeed;
  /** Whether accounts are synced by themselves: without it their times mean nothing. */
  readonly isScheduled: boolean;
}

/** What every resolver knows of the one who asks. */
export interface GraphQLContext {
  readonly tenantId: string;
  /** The tenant's rows, to be read; everything that writes goes through the services. */
  readonly prisma: TenantReader;
  readonly services: Services;
  /** Aborted when nobody will read the answer any more. */
  readonly signal: AbortSignal;
}

export function createContext(services: Services, { tenantId }: Identity, signal: AbortSignal): GraphQLContext {
  return { tenantId, prisma: tenantScoped(services.database.prisma, tenantId), services, signal };
}
