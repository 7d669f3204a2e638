import type { SyncProgress } from '../domain/progress.ts';

/** Carries frames from whoever runs a sync to whoever watches it, after the commit that they tell of. */
export interface ProgressBus {
  publish(frame: SyncProgress): void;
  /**
   * Calls `listener` with every frame of the tenant from now on, and `missed` when some may not have come: what they
   * told is in the rows. Returns how to stop.
   */
  subscribe(tenantId: string, listener: (frame: SyncProgress) => void, missed?: () => void): () => void;
}

/** A bus that has something to give back. */
export interface ClosableBus extends ProgressBus {
  close(): void;
}

interface Subscriber {
  readonly listener: (frame: SyncProgress) => void;
  readonly missed: () => void;
}

/** Where nobody tells of what other nodes do, the rows are looked at so often, in milliseconds. */
export const LOOK_EVERY_MS = 1_000;

/** The bus within one process. */
export function createLocalProgressBus(): ProgressBus & {
  /** Tells all subscribers, or those of a tenant, that they may have missed something. */
  missed(tenantId?: string): void;
} {
  const subscribers = new Map<string, Set<Subscriber>>();
  return {
    publish(frame) {
      for (const { listener } of subscribers.get(frame.tenantId) ?? []) listener(frame);
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

/** For several nodes that share nothing but a database: each looks at the rows once a second for who watches. */
export function createLookingBus(everyMs = LOOK_EVERY_MS): ClosableBus {
  const local = createLocalProgressBus();
  const timer = setInterval(() => local.missed(), everyMs);
  return { ...local, close: () => clearInterval(timer) };
}
