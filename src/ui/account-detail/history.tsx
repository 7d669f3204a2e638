import { Accordion, Button, Group, Stack, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { type RunFragment, SyncRunsDocument } from '../../generated/gql/graphql.ts';
import { useLiveQuery } from '../api/use-live-query.ts';
import { count, duration, number } from '../parts/format.ts';
import { Empty, Failure, Loading } from '../parts/states.tsx';
import { Ago } from '../parts/time.tsx';
import { useShownQuery } from '../shell/show-query.tsx';
import type { Account } from './account.ts';
import { Receipt } from './receipt.tsx';
import { RunMailboxes } from './run-mailboxes.tsx';
import { RunBadge, RunStats } from './run-stats.tsx';

const PAGE = 20;

/** The runs of an account, newest first, each with its statistics, opened mailboxes and receipt. */
export default function History({ account }: { account: Account }) {
  useShownQuery(SyncRunsDocument, { accountId: account.id, first: PAGE });
  return <Runs account={account} after={null} />;
}

function Runs({ account, after }: { account: Account; after: string | null }) {
  const [wantsMore, setWantsMore] = useState(false);
  const [opened, setOpened] = useState<string | null>(null);
  const variables = { accountId: account.id, first: PAGE, after };
  const { data, error, refetch } = useLiveQuery({ query: SyncRunsDocument, variables, accountId: account.id });
  if (!data) return error ? <Failure error={error} retry={refetch} /> : <Loading what="Loading the history" />;
  const { edges, pageInfo } = data.syncRuns;
  if (edges.length === 0 && after === null) return <Empty title="No sync yet" />;
  return (
    <Stack gap="xs">
      <Accordion variant="separated" chevronPosition="left" value={opened} onChange={setOpened} order={2}>
        {edges.map(({ node: run }) => (
          <Accordion.Item key={run.id} value={run.id}>
            <Accordion.Control>
              <Summary run={run} />
            </Accordion.Control>
            <Accordion.Panel>{opened === run.id && <Details run={run} />}</Accordion.Panel>
          </Accordion.Item>
        ))}
      </Accordion>
      {wantsMore && <Runs account={account} after={pageInfo.endCursor} />}
      {pageInfo.hasNextPage && !wantsMore && (
        <Button variant="default" onClick={() => setWantsMore(true)}>
          Show more
        </Button>
      )}
    </Stack>
  );
}

function Summary({ run }: { run: RunFragment }) {
  const { stats } = run;
  const changes = [
    [stats.messagesCreated, 'new'],
    [stats.messagesUpdated, 'changed'],
    [stats.messagesDeleted, 'deleted'],
  ].filter(([size]) => Number(size) > 0);
  // Only a run that succeeded knows that nothing else is new.
  const nothing = { SUCCEEDED: 'nothing new', FAILED: 'nothing stored', CANCELLED: 'nothing stored' };
  const soFar = nothing[run.status as keyof typeof nothing] ?? 'nothing new so far';
  const isWhole = run.status === 'SUCCEEDED' || run.attempt <= 1;
  return (
    <Group gap="xs" justify="space-between">
      <Group gap="xs">
        <RunBadge status={run.status} />
        <Text size="sm">
          {changes.length > 0 ? changes.map(([size, word]) => `${number(size!)} ${word}`).join(', ') : soFar}
        </Text>
        {run.error && (
          <Text size="sm" c="dimmed">
            {run.error.message}
          </Text>
        )}
      </Group>
      <Text size="sm" c="dimmed">
        <Ago at={run.finishedAt ?? run.requestedAt} />,{' '}
        {isWhole ? duration(stats.durationMs) : `${count(run.attempt, 'attempt')} within ${duration(stats.durationMs)}`}
      </Text>
    </Group>
  );
}

/** Explains why a run opened no mailbox. Only a run that succeeded proves that nothing changed. */
function nothingOpened({ status, stats }: RunFragment): string {
  if (status !== 'SUCCEEDED') return 'No mailbox was opened.';
  return stats.mailboxesSynced > 0
    ? 'No mailbox had to be opened: the server reported no changes in any of them.'
    : 'The server has no mailbox that can be opened.';
}

function Details({ run }: { run: RunFragment }) {
  return (
    <Stack gap="md">
      <RunStats run={run} />
      <div>
        <Title order={3} size="h5" mb={4}>
          Mailboxes
        </Title>
        <RunMailboxes runId={run.id} whenEmpty={nothingOpened(run)} />
      </div>
      <div>
        <Title order={3} size="h5" mb={4}>
          Receipt
        </Title>
        <Receipt runId={run.id} status={run.status} />
      </div>
    </Stack>
  );
}
