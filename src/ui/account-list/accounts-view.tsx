import { Button, Group, Paper, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useMutation, useQuery } from 'urql';
import { Link } from 'wouter';
import { EmailAccountsDocument, StartAllEmailSyncsDocument } from '../../generated/gql/graphql.ts';
import classes from '../account-parts/accounts.module.css';
import { whyNotDone } from '../api/client.ts';
import { useActionError } from '../api/use-action-error.ts';
import { useLiveQuery } from '../api/use-live-query.ts';
import { count } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { KeptButton } from '../parts/kept-button.tsx';
import { Empty, Failure, Loading } from '../parts/states.tsx';
import { useTitle } from '../parts/use-title.ts';
import { ViewTitle } from '../parts/view-title.tsx';
import { PATHS } from '../paths.ts';
import { useShownQuery } from '../shell/show-query.tsx';
import { AccountRow } from './account-row.tsx';

const PAGE = 100;

/** All accounts, each with its state. */
export default function AccountsView() {
  useTitle('Accounts');
  useShownQuery(EmailAccountsDocument, { first: PAGE });
  const [{ fetching }, startAll] = useMutation(StartAllEmailSyncsDocument);
  const [error, setError] = useActionError();
  const [started, setStarted] = useState<number | null>(null);
  // AccountsPage sends the query. This reads its result from the cache.
  const [{ data: known }] = useQuery({
    query: EmailAccountsDocument,
    variables: { first: PAGE, after: null },
    requestPolicy: 'cache-only',
  });
  const isEmpty = known?.emailAccounts.edges.length === 0;
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <ViewTitle>Accounts</ViewTitle>
        <Group gap="xs">
          <Button
            component={KeptButton}
            variant="default"
            loading={fetching}
            leftSection={<Icon name="sync" size={16} />}
            disabled={isEmpty}
            onClick={() =>
              void startAll({}).then(({ data, error: refused }) => {
                setError(refused);
                setStarted(data ? data.startAllEmailSyncs.length : null);
              })
            }
          >
            Sync all
          </Button>
          <Button component={Link} href={PATHS.addAccount} leftSection={<Icon name="plus" size={16} />}>
            Add an account
          </Button>
        </Group>
      </Group>
      {error && (
        <Text size="sm" c="red" role="alert">
          {whyNotDone(error)}
        </Text>
      )}
      {started !== null && !error && (
        <Text size="sm" c="dimmed" role="status">
          {started === 0 ? 'No account can sync now.' : `${count(started, 'sync')} started or queued.`}
        </Text>
      )}
      <AccountsPage after={null} />
    </Stack>
  );
}

/** One page of the list, and on request the next one. */
function AccountsPage({ after }: { after: string | null }) {
  const [wantsMore, setWantsMore] = useState(false);
  const { data, error, refetch } = useLiveQuery({ query: EmailAccountsDocument, variables: { first: PAGE, after } });
  if (!data) return error ? <Failure error={error} retry={refetch} /> : <Loading what="Loading the accounts" />;

  const { edges, pageInfo } = data.emailAccounts;
  if (edges.length === 0 && after === null) {
    return (
      <Empty
        title="No accounts yet"
        action={
          <Button component={Link} href={PATHS.addAccount}>
            Add your first account
          </Button>
        }
      >
        Enter an email address and its password to start syncing.
      </Empty>
    );
  }
  return (
    <>
      {error && <Failure error={error} retry={refetch} />}
      <Paper withBorder component="ul" className={classes['list']!}>
        {edges.map(({ node }) => (
          <AccountRow key={node.id} account={node} />
        ))}
      </Paper>
      {wantsMore && <AccountsPage after={pageInfo.endCursor} />}
      {pageInfo.hasNextPage && !wantsMore && (
        <Button variant="default" onClick={() => setWantsMore(true)}>
          Show more
        </Button>
      )}
    </>
  );
}
