import type { SyncProgress } from '../domain/progress.ts';

/** Delivers a tenant's news from publishers to subscribers, after the commit that the news reports. */
export interface Bus<News extends { readonly tenantId: string }> {
  publish(news: News): void;
  /**
   * Calls `listener` with all news of the tenant from now on, and `missed` when some may have been lost. The subscriber
   * then reads the rows. Returns a function that unsubscribes.
   */
  subscribe(tenantId: string, listener: (news: News) => void, missed?: () => void): () => void;
}

/** The progress of syncs. */
export type ProgressBus = Bus<SyncProgress>;

/** An account was added, changed or deleted. Syncs publish no such change; their frames report it. */
export interface AccountChange {
  readonly tenantId: string;
  readonly accountId: string;
}
export type AccountBus = Bus<AccountChange>;

/** The buses of an installation. */
export interface Buses {
  readonly progress: ProgressBus;
  readonly accounts: AccountBus;
  close(): void;
}

interface Subscriber<News> {
  readonly listener: (news: News) => void;
  readonly missed: () => void;
}

/** Poll interval in ms while no bus delivers the news of other nodes. */
export const LOOK_EVERY_MS = 1_000;

export interface LocalBus<News extends { readonly tenantId: string }> extends Bus<News> {
  /** Notifies all subscribers, or those of a tenant, that they may have missed news. */
  missed(tenantId?: string): void;
}

/** Creates a bus within one process. */
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

/** Creates the buses of a process that does not share its database. */
export const createLocalBuses = (): Buses => ({
  progress: createLocalBus(),
  accounts: createLocalBus(),
  close: () => undefined,
});

/** Creates the buses of nodes that share only a database: each polls the rows once a second for its subscribers. */
export function createPollingBuses(everyMs = LOOK_EVERY_MS): Buses {
  const [progress, accounts] = [createLocalBus<SyncProgress>(), createLocalBus<AccountChange>()];
  const timer = setInterval(() => {
    progress.missed();
    accounts.missed();
  }, everyMs);
  return { progress, accounts, close: () => clearInterval(timer) };
}
