import type { Pool } from 'pg';
import { accountVersions } from '../store/accounts/account-versions.ts';
import type { AccountFeed } from './account-feed.ts';
import { coalesce } from './coalesce.ts';
import { Conflated } from './conflated.ts';
import type { AccountBus, AccountChange } from './progress-bus.ts';

/** Unread changes that are kept for a slow subscriber, one an account. */
const MAX_UNREAD = 10_000;

/**
 * The bus tells at once. What it may have missed is found by comparing what the rows say with what they said before:
 * for a deleted account there is no row that would say so.
 */
export function createAccountFeed(pool: Pool, bus: AccountBus): AccountFeed {
  return {
    async *ofTenant(tenantId, signal) {
      const changes = new Conflated<AccountChange>({
        keyOf: ({ accountId }) => accountId,
        maxKeys: MAX_UNREAD,
        onEnd: () => unsubscribe(),
      });
      let known: ReadonlyMap<string, number> | null = null;
      const look = coalesce(async () => {
        const present = await accountVersions(pool, tenantId);
        for (const accountId of known ? different(known, present) : []) changes.push({ tenantId, accountId });
        known = present;
      }, signal);
      const unsubscribe = bus.subscribe(tenantId, (change) => changes.push(change), look);
      const end = (): void => changes.end();
      signal.addEventListener('abort', end);
      if (signal.aborted) end();
      look();
      try {
        yield* changes;
      } finally {
        signal.removeEventListener('abort', end);
        changes.end();
      }
    },
  };
}

/** What is in one of them only, or in both with another value. */
function different(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): string[] {
  const ids = new Set([...before.keys(), ...after.keys()]);
  return [...ids].filter((id) => before.get(id) !== after.get(id));
}
