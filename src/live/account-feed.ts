import type { AccountChange } from './progress-bus.ts';

/** Which accounts of a tenant were added, changed or deleted, from now on: soon after the commit, at least once. */
export interface AccountFeed {
  ofTenant(tenantId: string, signal: AbortSignal): AsyncIterableIterator<AccountChange>;
}
