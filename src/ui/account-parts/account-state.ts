import type { AccountSummaryFragment } from '../../generated/gql/graphql.ts';
import { ago, ahead, ordinal, timeOf } from '../parts/format.ts';

/** How an account is, at a glance: a word with a colour, and a sentence when there is more to know. */
export interface ShownState {
  readonly label: string;
  readonly color: 'gray' | 'blue' | 'cyan' | 'teal' | 'yellow' | 'orange' | 'red';
  readonly detail: string | null;
  /** The receipt of the last run says more. */
  readonly isInReceipt?: true;
}

/** Nothing here is guessed from how things usually go: it says what the service says (`syncStatus`). */
export function shownState({ syncStatus, totals }: AccountSummaryFragment, now: number): ShownState {
  const { activeRun, lastSyncAt, lastSyncError, hostPausedUntil, needsAuthSince, nextSyncAt, throttledUntil } =
    syncStatus;
  switch (syncStatus.state) {
    case 'NEVER_SYNCED':
      return { label: 'Never synced', color: 'gray', detail: nextSyncAt && `First sync ${ahead(nextSyncAt, now)}` };
    case 'QUEUED': {
      const place = activeRun?.queuePosition;
      const label = place ? `Queued, ${ordinal(place)}` : 'Queued';
      const isHeld = hostPausedUntil !== null && Date.parse(hostPausedUntil) > now;
      if (!isHeld) return { label, color: 'blue', detail: 'Waiting for its turn' };
      const until = timeOf(hostPausedUntil, now);
      return {
        label,
        color: 'orange',
        detail: `The mail server turned a connection away; no sync starts there until ${until}`,
      };
    }
    case 'RUNNING':
      return { label: 'Syncing', color: 'cyan', detail: null };
    case 'INTERRUPTED':
      return { label: 'Interrupted', color: 'orange', detail: syncStatus.message };
    case 'WAITING_RETRY':
      return {
        label: activeRun?.nextAttemptAt ? `Waiting until ${timeOf(activeRun.nextAttemptAt, now)}` : 'Waiting',
        color: 'orange',
        detail: activeRun?.error?.message ?? null,
      };
    case 'THROTTLED':
      return {
        label: throttledUntil
          ? `Paused by the provider until ${timeOf(throttledUntil, now)}`
          : 'Paused by the provider',
        color: 'orange',
        detail: activeRun?.error?.message ?? lastSyncError?.message ?? 'The provider asked for a pause',
      };
    case 'NEEDS_AUTH':
      return {
        label: 'Needs a new password',
        color: 'red',
        detail:
          needsAuthSince && `Password rejected ${ago(needsAuthSince, now)}. Sync is on hold until you enter a new one.`,
      };
    case 'PAUSED':
      return { label: 'Paused', color: 'gray', detail: lastSyncAt && `Last sync ${ago(lastSyncAt, now)}` };
    case 'SUCCEEDED':
      return totals.provenCurrentAt
        ? { label: 'Up to date', color: 'teal', detail: `Complete as of ${ago(totals.provenCurrentAt, now)}` }
        : { label: 'Synced, not all confirmed', color: 'yellow', detail: 'The receipt says why', isInReceipt: true };
    case 'FAILED':
      return { label: 'Failed', color: 'red', detail: lastSyncError?.message ?? null };
    case 'CANCELLED':
      return {
        label: 'Cancelled',
        color: 'gray',
        detail: lastSyncAt && `What it stored stays; ${ago(lastSyncAt, now)}`,
      };
  }
}
