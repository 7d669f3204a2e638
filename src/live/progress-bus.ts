import type { SyncProgress } from '../domain/progress.ts';

/** Carries frames from whoever runs a sync to whoever watches it, after the commit that they tell of. */
export interface ProgressBus {
  publish(frame: SyncProgress): void;
  /** Calls `listener` with every frame of the tenant from now on. Returns how to stop. */
  subscribe(tenantId: string, listener: (frame: SyncProgress) => void): () => void;
}

/** The bus within one process. */
export function createLocalProgressBus(): ProgressBus {
  const listeners = new Map<string, Set<(frame: SyncProgress) => void>>();
  return {
    publish(frame) {
      for (const listener of listeners.get(frame.tenantId) ?? []) listener(frame);
    },
    subscribe(tenantId, listener) {
      const ofTenant = listeners.get(tenantId) ?? new Set();
      listeners.set(tenantId, ofTenant.add(listener));
      return () => {
        ofTenant.delete(listener);
        if (ofTenant.size === 0 && listeners.get(tenantId) === ofTenant) listeners.delete(tenantId);
      };
    },
  };
}
