import type { AccountSummaryFragment } from '../../generated/gql/graphql.ts';
import { useFrame } from '../api/activity.ts';

/**
 * How many of an account's messages are stored: as it was asked, and what its run has got since then. Of that a few may
 * have been set aside instead; the next answer, when the run has another phase, knows.
 */
export function useStored({ id, totals, syncStatus }: AccountSummaryFragment): number {
  const frame = useFrame(id);
  const run = syncStatus.activeRun;
  const since = run && frame?.runId === run.id ? Math.max(0, frame.messagesProcessed - run.messagesProcessed) : 0;
  return Math.min(totals.messages, totals.stored + since);
}
