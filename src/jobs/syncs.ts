import type { SyncMode, SyncTrigger } from '../domain/sync-run.ts';
import type { SyncRun } from '../generated/prisma/client.ts';

export interface StartedSync {
  readonly run: SyncRun;
  /** True when a run of this account was active already: `run` is that one. */
  readonly alreadyActive: boolean;
}

/** What the API may ask of the syncs. Every method rejects NOT_FOUND for what is not the tenant's. */
export interface Syncs {
  /** Writes the run, dispatches it in the background, returns at once. Rejects ACCOUNT_PAUSED, ACCOUNT_NEEDS_AUTH. */
  start(tenantId: string, accountId: string, mode: SyncMode, trigger?: SyncTrigger): Promise<StartedSync>;
  /** Starts every account of the tenant that is neither paused nor in need of credentials. */
  startAll(tenantId: string): Promise<StartedSync[]>;
  /** Ends the run as CANCELLED at once; its worker can write nothing more. A finished run is returned as it is. */
  cancel(tenantId: string, runId: string): Promise<SyncRun>;
  /** The place of a run that you have seen in the queue of the whole installation; null when it is not queued. */
  queuePosition(runId: string): Promise<number | null>;
  /** Cancels the active run of an account that is about to be deleted, or paused. */
  cancelOfAccount(accountId: string): Promise<void>;
}
