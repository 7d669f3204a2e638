import type { SyncMode, SyncTrigger } from '../domain/sync-run.ts';
import type { SyncRun } from '../generated/prisma/client.ts';

export interface StartedSync {
  readonly run: SyncRun;
  /** True if `run` was already active. */
  readonly alreadyActive: boolean;
}

/** The sync operations of the API. Methods with a `tenantId` reject NOT_FOUND for an id of another tenant. */
export interface Syncs {
  /**
   * Writes the run and returns at once; dispatches it in the background. Rejects ACCOUNT_PAUSED, ACCOUNT_NEEDS_AUTH.
   */
  start(tenantId: string, accountId: string, mode: SyncMode, trigger?: SyncTrigger): Promise<StartedSync>;
  /** Starts an account unless it is paused, in need of credentials, or deleted. Then returns null. */
  startIfPossible(tenantId: string, accountId: string): Promise<StartedSync | null>;
  /** Starts every account of the tenant that is neither paused nor in need of credentials. */
  startAll(tenantId: string): Promise<StartedSync[]>;
  /** Ends the run as CANCELLED at once; its worker can write nothing more. A finished run is returned unchanged. */
  cancel(tenantId: string, runId: string): Promise<SyncRun>;
  /**
   * Returns the position of a run in the queue of the whole installation, or null if it is not queued. The caller must
   * have checked that the run is the tenant's.
   */
  queuePosition(runId: string): Promise<number | null>;
  /** Cancels the active run of an account that is to be deleted, paused or changed. */
  cancelOfAccount(accountId: string): Promise<void>;
}
