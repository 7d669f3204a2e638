import { Alert, Badge, Code, Group, Stack, Text } from '@mantine/core';
import type { RunFragment, SyncRunStatus } from '../../generated/gql/graphql.ts';
import { bytes, duration, exactTime, humanize, number } from '../parts/format.ts';
import { Linked } from '../parts/linked.tsx';
import { Facts } from './facts.tsx';

const COLORS: Record<SyncRunStatus, string> = {
  QUEUED: 'blue',
  RUNNING: 'cyan',
  WAITING_RETRY: 'orange',
  SUCCEEDED: 'teal',
  FAILED: 'red',
  CANCELLED: 'gray',
};

export function RunBadge({ status }: { status: SyncRunStatus }) {
  return (
    <Badge color={COLORS[status]} variant="light" tt="capitalize" radius="sm">
      {humanize(status)}
    </Badge>
  );
}

/** What a run did. Set `badge` where the status is not already shown. */
export function RunStats({ run, badge = false }: { run: RunFragment; badge?: boolean }) {
  const { stats, error } = run;
  return (
    <Stack gap="sm">
      <Group gap="xs">
        {badge && <RunBadge status={run.status} />}
        <Text size="sm" c="dimmed">
          {exactTime(run.startedAt ?? run.requestedAt)}
        </Text>
      </Group>
      {error && (
        <Alert color="red" variant="light" title={error.message} py="xs">
          <Text size="sm">
            <Linked text={error.hint} /> <Code>{error.code}</Code>
          </Text>
        </Alert>
      )}
      <Facts
        facts={[
          ['New', number(stats.messagesCreated)],
          ['Changed', number(stats.messagesUpdated)],
          ['Deleted', number(stats.messagesDeleted)],
          ['Fetched', number(stats.messagesFetched)],
          ['Downloaded', bytes(stats.bytesDownloaded)],
          [run.attempt > 1 ? 'Duration, with waits' : 'Duration', duration(stats.durationMs)],
          ['Mailboxes', number(stats.mailboxesSynced)],
          ['Events', number(stats.eventsCreated)],
          ['Attempts', number(run.attempt)],
          ['Started by', run.trigger === 'USER' ? 'a user' : 'the schedule'],
          ['Mode', run.mode === 'FULL' ? 'full comparison' : 'changes only'],
        ]}
      />
    </Stack>
  );
}
