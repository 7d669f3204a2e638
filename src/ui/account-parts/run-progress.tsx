import { Group, Text } from '@mantine/core';
import type { AccountSummaryFragment } from '../../generated/gql/graphql.ts';
import { humanize, number, remaining } from '../parts/format.ts';
import { RunBar, useRunNow } from './run-bar.tsx';

/** The active run, live: bar, counts, phase, mailbox, speed and time left. */
export function RunProgress({ account }: { account: AccountSummaryFragment }) {
  const run = useRunNow(account);
  if (!run) return null;
  return (
    <div>
      <RunBar account={account} run={run} />
      <Group justify="space-between" gap="xs" mt={4} wrap="nowrap">
        <Text size="xs" c="dimmed" className="truncate">
          {run.counts} · {humanize(run.phase)}
          {run.mailbox && (
            <>
              {' '}
              · <bdi>{run.mailbox}</bdi>
            </>
          )}
        </Text>
        <Text size="xs" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
          {speedOf(run.live)}
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
