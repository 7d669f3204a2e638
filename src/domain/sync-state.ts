import type { SyncRunStatus } from './sync-run.ts';

/** State of an account: its active run, else what prevents a run, else the outcome of the last run. */
export const SYNC_STATES = [
  'NEVER_SYNCED',
  'QUEUED',
  'RUNNING',
  'INTERRUPTED',
  'WAITING_RETRY',
  'THROTTLED',
  'NEEDS_AUTH',
  'PAUSED',
  'SUCCEEDED',
  'FAILED',
  'CANCELLED',
] as const;
export type SyncState = (typeof SYNC_STATES)[number];

export interface AccountFacts {
  readonly isActive: boolean;
  readonly needsAuthSince: Date | null;
  readonly throttledUntil: Date | null;
  readonly lastSyncStatus: SyncRunStatus | null;
  readonly lastSyncErrorCode: string | null;
}

export interface ActiveRunFacts {
  readonly status: SyncRunStatus;
  readonly leaseExpiresAt: Date | null;
  readonly nextAttemptAt: Date | null;
}

export function syncStateOf(account: AccountFacts, run: ActiveRunFacts | null, now: Date): SyncState {
  const isThrottled = account.throttledUntil !== null && account.throttledUntil > now;
  if (run?.status === 'RUNNING') {
    // The worker should have renewed its lease by now.
    return run.leaseExpiresAt !== null && run.leaseExpiresAt < now ? 'INTERRUPTED' : 'RUNNING';
  }
  if (run) return isThrottled ? 'THROTTLED' : run.status;
  if (!account.isActive) return 'PAUSED';
  if (account.needsAuthSince) return 'NEEDS_AUTH';
  if (isThrottled) return 'THROTTLED';
  return account.lastSyncStatus ?? 'NEVER_SYNCED';
}

/** Returns the state as a sentence for people. */
export function describeState(state: SyncState, account: AccountFacts, run: ActiveRunFacts | null): string {
  switch (state) {
    case 'NEVER_SYNCED':
      return 'Not synced yet.';
    case 'QUEUED':
      return 'Waiting for a free worker.';
    case 'RUNNING':
      return 'Syncing.';
    case 'INTERRUPTED':
      return 'The worker of this sync stopped responding. Another worker will resume it.';
    case 'WAITING_RETRY':
      return `The next attempt is at ${run!.nextAttemptAt!.toISOString()}.`;
    case 'THROTTLED':
      return `Paused by the provider until ${account.throttledUntil!.toISOString()}.`;
    case 'NEEDS_AUTH':
      return account.lastSyncErrorCode === 'MAILBOX_NOT_ACCESSIBLE'
        ? 'The server opens no mailbox for these credentials. Once it does, enter them again to resume syncing.'
        : 'The server rejected the credentials. Enter new ones to resume syncing.';
    case 'PAUSED':
      return 'Paused. Resume the account to sync it.';
    case 'SUCCEEDED':
      return 'The last sync succeeded. Its receipt states what it proved.';
    case 'FAILED':
      return 'The last sync failed.';
    case 'CANCELLED':
      return 'The last sync was cancelled.';
  }
}
