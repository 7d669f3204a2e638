import type { Pool } from 'pg';
import { accountVersions } from '../store/accounts/account-versions.ts';
import type { AccountFeed } from './account-feed.ts';
import { Conflated } from './conflated.ts';
import { pollOnRequest } from './poll-on-request.ts';
import type { AccountBus, AccountChange } from './progress-bus.ts';

/** Unread changes kept for a slow subscriber, one per account. */
const MAX_UNREAD = 10_000;

/**
 * Creates the feed. The bus delivers changes at once. Changes that it may have missed are found by comparing the
 * accounts' versions with the previous ones, because a deleted account leaves no row.
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
      const poll = pollOnRequest(async () => {
        const present = await accountVersions(pool, tenantId);
        for (const accountId of known ? different(known, present) : []) changes.push({ tenantId, accountId });
        known = present;
      }, signal);
      const unsubscribe = bus.subscribe(tenantId, (change) => changes.push(change), poll);
      const end = (): void => changes.end();
      signal.addEventListener('abort', end);
      if (signal.aborted) end();
      poll();
      try {
        yield* changes;
      } finally {
        signal.removeEventListener('abort', end);
        changes.end();
      }
    },
  };
}

/** Returns the ids that only one map has, or that have different values. */
function different(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): string[] {
  const ids = new Set([...before.keys(), ...after.keys()]);
  return [...ids].filter((id) => before.get(id) !== after.get(id));
}
