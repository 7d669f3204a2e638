import { Anchor, Button, Group, Paper, Select, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { EventsDocument, type EventType } from '../../generated/gql/graphql.ts';
import { useLiveQuery } from '../api/use-live-query.ts';
import { useSteadyQuery } from '../api/use-steady-query.ts';
import { humanize, number } from '../parts/format.ts';
import { Empty, Failure, Loading } from '../parts/states.tsx';
import { useShownQuery } from '../shell/show-query.tsx';
import type { Account } from './account.ts';
import { EventList } from './event-list.tsx';
import { EVENT_TYPES } from './event-text.ts';
import { useNewEvents } from './use-new-events.ts';
import { VerifyChain } from './verify-chain.tsx';

const PAGE = 50;

/** The account's timeline, newest first and live, with a check of its hash chain. */
export default function Events({ account }: { account: Account }) {
  const [type, setType] = useState<EventType | null>(null);
  useShownQuery(EventsDocument, { accountId: account.id, type, first: PAGE, order: 'NEWEST_FIRST' });
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Select
          aria-label="Event type"
          placeholder="All types"
          clearable
          searchable
          w={220}
          data={EVENT_TYPES.map((value) => ({ value, label: humanize(value) }))}
          value={type}
          onChange={(value) => setType(value as EventType | null)}
        />
        <Group gap="sm">
          <Anchor href={`/accounts/${account.id}/timeline`} size="sm" download>
            Download
          </Anchor>
          <VerifyChain accountId={account.id} />
        </Group>
      </Group>
      <Timeline key={type} account={account} type={type} />
    </Stack>
  );
}

function Timeline({ account, type }: { account: Account; type: EventType | null }) {
  const variables = { accountId: account.id, type, first: PAGE, order: 'NEWEST_FIRST' as const };
  const { data, error, refetch } = useLiveQuery({ query: EventsDocument, variables, accountId: account.id });
  const news = useNewEvents(account.id, data?.events.edges[0]?.node.seq, type);
  if (!data) return error ? <Failure error={error} retry={refetch} /> : <Loading what="Loading the events" />;
  const { edges, pageInfo } = data.events;
  const events = [...news, ...edges.map(({ node }) => node)];
  if (events.length === 0) return <Empty title={type === null ? 'No events yet' : 'No events of this type'} />;
  return (
    <Paper withBorder px="md" py="xs">
      {news.length > 0 && (
        <Text size="xs" c="dimmed" role="status">
          {number(news.length)} new since you opened this
        </Text>
      )}
      <EventList events={events} />
      {pageInfo.hasNextPage && <Older account={account} type={type} after={pageInfo.endCursor} />}
    </Paper>
  );
}

/** Older events. They never change, so they are requested once. */
function Older({ account, type, after }: { account: Account; type: EventType | null; after: string | null }) {
  const [isWanted, setWanted] = useState(false);
  const variables = { accountId: account.id, type, first: PAGE, order: 'NEWEST_FIRST' as const, after };
  const { data, error, fetching } = useSteadyQuery({ query: EventsDocument, variables, pause: !isWanted });
  if (error) return <Failure error={error} />;
  if (!data) {
    return (
      <Button variant="subtle" size="compact-sm" loading={fetching} onClick={() => setWanted(true)} my="xs">
        Show older
      </Button>
    );
  }
  const { edges, pageInfo } = data.events;
  return (
    <>
      <EventList events={edges.map(({ node }) => node)} />
      {pageInfo.hasNextPage && <Older account={account} type={type} after={pageInfo.endCursor} />}
    </>
  );
}
