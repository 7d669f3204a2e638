import type { AccountSummaryFragment } from '../../generated/gql/graphql.ts';
import { ago, ahead, ordinal, timeOf } from '../parts/format.ts';

/** An account's state as the page shows it: a label with a colour, and a sentence with details. */
export interface ShownState {
  readonly label: string;
  readonly color: 'gray' | 'blue' | 'cyan' | 'teal' | 'yellow' | 'orange' | 'red';
  readonly detail: string | null;
  /** The receipt of the last run has the details. */
  readonly isInReceipt?: true;
}

/** Returns what to show for `syncStatus`. Only values from the service are shown, never guesses. */
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
      if (!isHeld) return { label, color: 'blue', detail: 'Waiting for a free worker' };
      const until = timeOf(hostPausedUntil, now);
      return {
        label,
        color: 'orange',
        detail: `The mail server refused a connection. No sync starts there until ${until}`,
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
      if (lastSyncError?.code === 'MAILBOX_NOT_ACCESSIBLE') {
        return { label: 'No access to the mailbox', color: 'red', detail: lastSyncError.message };
      }
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
        : {
            label: 'Synced, not all confirmed',
            color: 'yellow',
            detail: 'See the receipt for the reasons',
            isInReceipt: true,
          };
    case 'FAILED':
      return { label: 'Failed', color: 'red', detail: lastSyncError?.message ?? null };
    case 'CANCELLED':
      return {
        label: 'Cancelled',
        color: 'gray',
        detail: lastSyncAt && `Stored messages are kept. Cancelled ${ago(lastSyncAt, now)}`,
      };
  }
}
