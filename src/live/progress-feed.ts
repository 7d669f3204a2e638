import type { SyncProgress } from '../domain/progress.ts';

/** Live progress for subscribers. Both give the present state at once, then every change, conflated for the slow. */
export interface ProgressFeed {
  /** Rejects NOT_FOUND for an account that is not the tenant's. Nothing comes before the account's first run. */
  ofAccount(tenantId: string, accountId: string, signal: AbortSignal): AsyncIterableIterator<SyncProgress>;
  /** All accounts of the tenant: at once the active runs, then every frame. */
  ofTenant(tenantId: string, signal: AbortSignal): AsyncIterableIterator<SyncProgress>;
}
