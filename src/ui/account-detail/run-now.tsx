import { Alert, Code, Group, Paper, Stack, Text, Title } from '@mantine/core';
import type { SyncPhase } from '../../generated/gql/graphql.ts';
import { RunProgress } from '../account-parts/run-progress.tsx';
import { useFrame, useSamples } from '../api/activity.ts';
import { bytes, duration, number, ordinal, percent } from '../parts/format.ts';
import { Linked } from '../parts/linked.tsx';
import { Ahead } from '../parts/time.tsx';
import classes from './account.module.css';
import type { Account } from './account.ts';
import { Facts } from './facts.tsx';
import { RunMailboxesNow } from './run-mailboxes.tsx';
import { SpeedChart } from './speed-chart.tsx';

const PHASES: readonly [SyncPhase, string][] = [
  ['CONNECTING', 'Connect'],
  ['DISCOVERING', 'Discover'],
  ['ENUMERATING', 'Enumerate'],
  ['FETCHING', 'Fetch'],
  ['FINISHING', 'Finish'],
];

/** The active run: its position in the queue, its next attempt, or its progress by phase and mailbox. */
export function RunNow({ account, runId }: { account: Account; runId: string }) {
  const frame = useFrame(account.id);
  const samples = useSamples(account.id);
  const run = account.syncStatus.activeRun;
  if (!run) return null;
  const live = frame?.runId === runId ? frame : null;
  const { phase, mailbox, error, nextAttemptAt, attempt } = live ?? run;
  const isRunning = run.status === 'RUNNING';
  return (
    <Paper withBorder p="md" component="section" aria-label="Sync in progress">
      <Stack gap="md">
        <Group justify="space-between" align="baseline">
          <Title order={2}>{isRunning ? 'Syncing' : run.status === 'QUEUED' ? 'Queued' : 'Waiting'}</Title>
          {isRunning && live?.percent != null && (
            <Text fz="xl" fw={650} data-testid="percent">
              {percent(live.percent)}
            </Text>
          )}
        </Group>
        {run.queuePosition !== null && (
          <Text size="sm">
            {run.queuePosition === 1 ? 'Next in the queue' : `${ordinal(run.queuePosition)} in the queue`}
          </Text>
        )}
        {error && !isRunning && (
          <Alert color="orange" variant="light" title={error.message}>
            <Text size="sm">
              <Linked text={error.hint} /> <Code>{error.code}</Code>
              {nextAttemptAt && (
                <>
                  {' '}
                  Next attempt <Ahead at={nextAttemptAt} />.
                </>
              )}
            </Text>
          </Alert>
        )}
        {isRunning && (
          <>
            <RunProgress account={account} />
            <Phases phase={phase} />
            <Facts
              facts={[
                ['New', number(live?.stats.messagesCreated ?? 0)],
                ['Changed', number(live?.stats.messagesUpdated ?? 0)],
                ['Deleted', number(live?.stats.messagesDeleted ?? 0)],
                ['Downloaded', bytes(live?.stats.bytesDownloaded ?? 0)],
                ['Running for', duration(live?.stats.durationMs ?? 0)],
                ['Attempt', number(attempt)],
              ]}
            />
            <SpeedChart samples={samples} />
            <RunMailboxesNow accountId={account.id} runId={runId} current={mailbox} />
          </>
        )}
      </Stack>
    </Paper>
  );
}

function Phases({ phase }: { phase: SyncPhase }) {
  const at = PHASES.findIndex(([name]) => name === phase);
  return (
    <ol className={classes['phases']} aria-label="Phases">
      {PHASES.map(([name, label], place) => (
        <li
          key={name}
          data-state={place < at ? 'done' : place === at ? 'now' : 'ahead'}
          {...(place === at ? { 'aria-current': 'step' as const } : {})}
        >
          {label}
        </li>
      ))}
    </ol>
  );
}
