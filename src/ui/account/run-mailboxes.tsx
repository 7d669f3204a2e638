import { Badge, Group, Text } from '@mantine/core';
import { useEffect } from 'react';
import { SyncRunMailboxesDocument } from '../../generated/gql/graphql.ts';
import { useSteadyQuery } from '../api/use-steady-query.ts';
import { Failure } from '../parts/states.tsx';
import classes from './account.module.css';

const FIRST = 100;

/** The mailboxes that a run opened, and why each was synced the way it was. */
export function RunMailboxes({ runId, current = null }: { runId: string; current?: string | null }) {
  const { data, error, refetch } = useSteadyQuery({
    query: SyncRunMailboxesDocument,
    variables: { runId, first: FIRST },
  });
  // The next one was opened.
  useEffect(() => {
    if (current !== null) refetch();
  }, [current, refetch]);

  if (error && !data) return <Failure error={error} />;
  const mailboxes = data?.syncRun?.mailboxes;
  if (!mailboxes) return null;
  if (mailboxes.edges.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        No mailbox was opened: what was not was proven unchanged without that.
      </Text>
    );
  }
  return (
    <ul className={classes['plain']} aria-label="Mailboxes of this run">
      {mailboxes.edges.map(({ node: { path, reason, attempt } }) => (
        <li key={path}>
          <Group gap="xs" justify="space-between" wrap="nowrap" py={2}>
            <Group gap="xs" wrap="nowrap" miw={0}>
              <Text size="sm" {...(path === current ? { fw: 650 } : {})} className="truncate">
                <bdi>{path}</bdi>
              </Text>
              {path === current && (
                <Badge size="xs" tt="none">
                  now
                </Badge>
              )}
            </Group>
            <Text size="xs" c="dimmed" ta="right">
              {reason}
              {attempt > 1 && `, attempt ${attempt}`}
            </Text>
          </Group>
        </li>
      ))}
      {mailboxes.pageInfo.hasNextPage && (
        <Text component="li" size="xs" c="dimmed">
          and more
        </Text>
      )}
    </ul>
  );
}
