import type { SyncProgress } from '../domain/progress.ts';

/** Carries what one tenant may know from whoever does it to whoever watches, after the commit that it tells of. */
export interface Bus<News extends { readonly tenantId: string }> {
  publish(news: News): void;
  /**
   * Calls `listener` with all news of the tenant from now on, and `missed` when some may not have come: what they told
   * is in the rows. Returns how to stop.
   */
  subscribe(tenantId: string, listener: (news: News) => void, missed?: () => void): () => void;
}

/** How syncs go on. */
export type ProgressBus = Bus<SyncProgress>;

/** An account was added, changed or deleted; by a sync only what its frames tell as well. */
export interface AccountChange {
  readonly tenantId: string;
  readonly accountId: string;
}
export type AccountBus = Bus<AccountChange>;

/** What the parts of an installation tell each other, and what there is to give back. */
export interface Buses {
  readonly progress: ProgressBus;
  readonly accounts: AccountBus;
  close(): void;
}

interface Subscriber<News> {
  readonly listener: (news: News) => void;
  readonly missed: () => void;
}

/** Where nobody tells of what other nodes do, the rows are looked at so often, in milliseconds. */
export const LOOK_EVERY_MS = 1_000;

export interface LocalBus<News extends { readonly tenantId: string }> extends Bus<News> {
  /** Tells all subscribers, or those of a tenant, that they may have missed something. */
  missed(tenantId?: string): void;
}

/** A bus within one process. */
export function createLocalBus<News extends { readonly tenantId: string }>(): LocalBus<News> {
  const subscribers = new Map<string, Set<Subscriber<News>>>();
  return {
    publish(news) {
      for (const { listener } of subscribers.get(news.tenantId) ?? []) listener(news);
    },
    subscribe(tenantId, listener, missed = () => {}) {
      const subscriber = { listener, missed };
      const ofTenant = subscribers.get(tenantId) ?? new Set();
      subscribers.set(tenantId, ofTenant.add(subscriber));
      return () => {
        ofTenant.delete(subscriber);
        if (ofTenant.size === 0 && subscribers.get(tenantId) === ofTenant) subscribers.delete(tenantId);
      };
    },
    missed(tenantId) {
      for (const [id, ofTenant] of subscribers) {
        if (tenantId === undefined || id === tenantId) for (const { missed } of ofTenant) missed();
      }
    },
  };
}

export const createLocalProgressBus = (): LocalBus<SyncProgress> => createLocalBus();

/** Within one process that is alone with its database. */
export const createLocalBuses = (): Buses => ({
  progress: createLocalBus(),
  accounts: createLocalBus(),
  close: () => undefined,
});

/** For several nodes that share nothing but a database: each looks at the rows once a second for who watches. */
export function createPollingBuses(everyMs = LOOK_EVERY_MS): Buses {
  const [progress, accounts] = [createLocalBus<SyncProgress>(), createLocalBus<AccountChange>()];
  const timer = setInterval(() => {
    progress.missed();
    accounts.missed();
  }, everyMs);
  return { progress, accounts, close: () => clearInterval(timer) };
}
