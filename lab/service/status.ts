import type { Service } from './service.ts';

export type Status = {
  state: string;
  message: string;
  isActive: boolean;
  isSyncing: boolean;
  lastSyncAt: string | null;
  lastSyncStatus: string | null;
  lastSyncError: { code: string; message: string; hint: string } | null;
  syncCount: number;
  nextSyncAt: string | null;
  needsAuthSince: string | null;
  throttledUntil: string | null;
  activeRun: {
    id: string;
    status: string;
    trigger: string;
    attempt: number;
    retries: number;
    queuePosition: number | null;
    nextAttemptAt: string | null;
    error: { code: string; message: string } | null;
  } | null;
};

/** Returns all fields of `syncStatus` of an account. */
export async function statusOf(service: Service, account: string): Promise<Status> {
  const { syncStatus } = await service.data<{ syncStatus: Status }>(
    `query ($id: ID!) { syncStatus(accountId: $id) {
      state message isActive isSyncing lastSyncAt lastSyncStatus lastSyncError { code message hint } syncCount
      nextSyncAt needsAuthSince throttledUntil
      activeRun { id status trigger attempt retries queuePosition nextAttemptAt error { code message } }
    } }`,
    { id: account },
  );
  return syncStatus;
}
