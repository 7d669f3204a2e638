import type { SyncProgress } from '../domain/progress.ts';

/** Live progress for subscribers: the current state at once, then every change, conflated for slow clients. */
export interface ProgressFeed {
  /** Rejects with NOT_FOUND for another tenant's account. Sends nothing before the account's first run. */
  ofAccount(tenantId: string, accountId: string, signal: AbortSignal): AsyncIterableIterator<SyncProgress>;
  /** Covers all accounts of the tenant: first the active runs, then every frame. */
  ofTenant(tenantId: string, signal: AbortSignal): AsyncIterableIterator<SyncProgress>;
}
