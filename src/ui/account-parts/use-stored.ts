import type { AccountSummaryFragment } from '../../generated/gql/graphql.ts';
import { useFrame } from '../api/activity.ts';

/**
 * Returns how many of an account's messages are stored: the count of the last query, plus what the run has processed
 * since. A few of those may be quarantined instead; the query after the next phase change corrects that.
 */
export function useStored({ id, totals, syncStatus }: AccountSummaryFragment): number {
  const frame = useFrame(id);
  const run = syncStatus.activeRun;
  const since = run && frame?.runId === run.id ? Math.max(0, frame.messagesProcessed - run.messagesProcessed) : 0;
  return Math.min(totals.messages, totals.stored + since);
}
