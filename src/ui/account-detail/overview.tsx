import { Alert, Anchor, Code, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useEffect } from 'react';
import { SyncRunsDocument } from '../../generated/gql/graphql.ts';
import { useStored } from '../account-parts/use-stored.ts';
import { useLiveQuery } from '../api/use-live-query.ts';
import { duration, number, storedOf } from '../parts/format.ts';
import { Linked } from '../parts/linked.tsx';
import { Empty, Failure, Loading } from '../parts/states.tsx';
import { Ago, Ahead } from '../parts/time.tsx';
import { RECEIPT_ID } from '../paths.ts';
import classes from './account.module.css';
import type { Account } from './account.ts';
import { Facts } from './facts.tsx';
import { Receipt } from './receipt.tsx';
import { RunNow } from './run-now.tsx';
import { RunStats } from './run-stats.tsx';

/** The active run, the account's figures, and the last run with its receipt. */
export function Overview({ account }: { account: Account }) {
  const { activeRun, lastSyncError, lastSyncAt, syncCount } = account.syncStatus;
  const { totals, imap, syncIntervalMinutes } = account;
  const stored = useStored(account);
  const security = imap.security === 'NONE' ? 'not encrypted' : imap.security;
  return (
    <Stack gap="md">
      {lastSyncError && !activeRun && (
        <Alert color="red" variant="light" title={lastSyncError.message}>
          <Text size="sm">
            <Linked text={lastSyncError.hint} /> <Code>{lastSyncError.code}</Code>
          </Text>
        </Alert>
      )}
      {activeRun && <RunNow account={account} runId={activeRun.id} />}
      <Paper withBorder p="md">
        <Facts
          facts={[
            ['Messages', storedOf(stored, totals.messages)],
            ['Unread', number(totals.unread)],
            ['Mailboxes', number(totals.mailboxes)],
            [
              'Complete as of',
              totals.provenCurrentAt ? (
                <Ago at={totals.provenCurrentAt} />
              ) : (
                <NotConfirmed hasReceipt={syncCount > 0} />
              ),
            ],
            ['Last sync', lastSyncAt ? <Ago at={lastSyncAt} /> : 'Never'],
            ['Next sync', <NextSync key="next" account={account} />],
            ['Interval', syncIntervalMinutes ? duration(syncIntervalMinutes * 60_000) : 'Default'],
            ['Syncs so far', number(syncCount)],
            ['Server', `${imap.host}:${imap.port}, ${security}`],
          ]}
        />
      </Paper>
      <LastRun account={account} />
    </Stack>
  );
}

/** When the next sync starts: the active run's next attempt, else by the schedule, but not during a provider's pause. */
function NextSync({ account: { syncStatus } }: { account: Account }) {
  const { activeRun, nextSyncAt, throttledUntil } = syncStatus;
  if (activeRun?.status === 'RUNNING') return 'Running now';
  const times = [activeRun ? activeRun.nextAttemptAt : nextSyncAt, throttledUntil].filter((at) => at !== null);
  const latest = times.toSorted((one, other) => Date.parse(one) - Date.parse(other)).at(-1);
  if (latest !== undefined) return <Ahead at={latest} />;
  return activeRun ? 'Queued' : 'Not scheduled';
}

function NotConfirmed({ hasReceipt }: { hasReceipt: boolean }) {
  if (!hasReceipt) return 'Not confirmed yet';
  return (
    <Anchor href={`#${RECEIPT_ID}`} inherit underline="always">
      Not confirmed: see why
    </Anchor>
  );
}

function LastRun({ account }: { account: Account }) {
  const variables = { accountId: account.id, first: 2 };
  const { data, error, refetch } = useLiveQuery({ query: SyncRunsDocument, variables, accountId: account.id });
  useEffect(() => {
    if (data && location.hash === `#${RECEIPT_ID}`) document.getElementById(RECEIPT_ID)?.scrollIntoView();
  }, [data]);
  if (!data) return error ? <Failure error={error} retry={refetch} /> : <Loading what="Loading the last run" />;
  const run = data.syncRuns.edges.map(({ node }) => node).find(({ finishedAt }) => finishedAt !== null);
  if (!run) {
    if (account.syncStatus.activeRun) return null;
    return <Empty title="No sync yet">Start a sync to copy all messages from the server.</Empty>;
  }
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
      <Paper withBorder p="md" component="section" aria-label="Last run">
        <Title order={2} mb="sm">
          Last run
        </Title>
        <RunStats run={run} badge />
      </Paper>
      <Paper withBorder p="md" component="section" aria-label="Receipt" id={RECEIPT_ID} className={classes['target']!}>
        <Title order={2} mb="sm">
          Receipt
        </Title>
        <Receipt runId={run.id} status={run.status} />
      </Paper>
    </SimpleGrid>
  );
}
