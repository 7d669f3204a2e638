import type { AccountChange } from './progress-bus.ts';

/** Sends a tenant's accounts that are added, changed or deleted from now on, at least once, soon after the commit. */
export interface AccountFeed {
  ofTenant(tenantId: string, signal: AbortSignal): AsyncIterableIterator<AccountChange>;
}
