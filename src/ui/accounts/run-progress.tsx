import { Group, Progress, Text } from '@mantine/core';
import type { AccountSummaryFragment } from '../../generated/gql/graphql.ts';
import { useFrame } from '../api/activity.ts';
import { number, percent, remaining, words } from '../parts/format.ts';

/** The bar of the run that goes on, live: from the frames, and before the first of them from what was asked. */
export function RunProgress({ account }: { account: AccountSummaryFragment }) {
  const frame = useFrame(account.id);
  const run = account.syncStatus.activeRun;
  if (run?.status !== 'RUNNING') return null;
  const live = frame?.runId === run.id ? frame : null;
  const { percent: done, messagesProcessed, messagesTotal, phase, mailbox } = live ?? run;
  const isKnown = done !== null && messagesTotal !== null;
  const counts = isKnown
    ? `${number(messagesProcessed)} of ${number(messagesTotal)} messages`
    : 'Looking how much there is to do';
  return (
    <div>
      <Progress.Root size="md" transitionDuration={120}>
        <Progress.Section
          color="cyan.7"
          value={isKnown ? done : 100}
          animated={!isKnown}
          striped={!isKnown}
          // Mantine's own attributes would read out every digit of the share.
          withAria={false}
          {...(isKnown && {
            role: 'progressbar',
            'aria-label': `Sync of ${account.emailAddress}`,
            'aria-valuemin': 0,
            'aria-valuemax': 100,
            'aria-valuenow': Math.floor(done),
            'aria-valuetext': `${percent(done)}, ${counts}`,
          })}
        />
      </Progress.Root>
      <Group justify="space-between" gap="xs" mt={4} wrap="nowrap">
        <Text size="xs" c="dimmed" className="truncate">
          {counts} · {words(phase)}
          {mailbox && (
            <>
              {' '}
              · <bdi>{mailbox}</bdi>
            </>
          )}
        </Text>
        <Text size="xs" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
          {speedOf(live)}
        </Text>
      </Group>
    </div>
  );
}

function speedOf(frame: { messagesPerSecond: number | null; etaSeconds: number | null } | null): string {
  const parts = [];
  if (frame?.messagesPerSecond != null) parts.push(`${number(frame.messagesPerSecond)}/s`);
  if (frame?.etaSeconds != null) parts.push(remaining(frame.etaSeconds));
  return parts.join(' · ');
}
