import { Progress } from '@mantine/core';
import type { AccountSummaryFragment } from '../../generated/gql/graphql.ts';
import { useFrame } from '../api/activity.ts';
import { number, percent } from '../parts/format.ts';

/** Returns the progress of the active run: from its frames, and before the first frame from the query. */
export function useRunNow(account: AccountSummaryFragment) {
  const frame = useFrame(account.id);
  const run = account.syncStatus.activeRun;
  if (run?.status !== 'RUNNING') return null;
  const live = frame?.runId === run.id ? frame : null;
  const { percent: done, messagesProcessed, messagesTotal, phase, mailbox } = live ?? run;
  const isLooking = phase === 'QUEUED' || phase === 'DISCOVERING' || phase === 'ENUMERATING';
  // A total of 0 means nothing while the run may still find messages.
  const isKnown = done !== null && messagesTotal !== null && !(messagesTotal === 0 && isLooking);
  return {
    live,
    phase,
    mailbox,
    /** In percent; null while the total is unknown. */
    done: isKnown ? done : null,
    counts: isKnown ? `${number(messagesProcessed)} of ${number(messagesTotal)} messages` : 'Counting messages',
  };
}

interface Props {
  readonly account: AccountSummaryFragment;
  readonly run: NonNullable<ReturnType<typeof useRunNow>>;
  readonly size?: number | 'md';
}

export function RunBar({ account, run: { done, counts }, size = 'md' }: Props) {
  return (
    <Progress.Root size={size} transitionDuration={120}>
      <Progress.Section
        color="cyan.7"
        value={done ?? 100}
        animated={done === null}
        striped={done === null}
        // With Mantine's own attributes, screen readers announce every digit of the percentage.
        withAria={false}
        {...(done !== null && {
          role: 'progressbar',
          'aria-label': `Sync of ${account.emailAddress}`,
          'aria-valuemin': 0,
          'aria-valuemax': 100,
          'aria-valuenow': Math.floor(done),
          'aria-valuetext': `${percent(done)}, ${counts}`,
        })}
      />
    </Progress.Root>
  );
}
