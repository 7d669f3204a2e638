import { Badge, Group, Text } from '@mantine/core';
import { useEffect } from 'react';
import { SyncRunMailboxesDocument } from '../../generated/gql/graphql.ts';
import { useSteadyQuery } from '../api/use-steady-query.ts';
import { storedOf } from '../parts/format.ts';
import { Failure } from '../parts/states.tsx';
import classes from './account.module.css';
import { MailboxBar } from './mailbox-bar.tsx';
import { type Mailbox, useLiveMailboxes } from './use-mailboxes.ts';
import { planInWords } from './wording.ts';

const FIRST = 100;

interface Props {
  readonly runId: string;
  /** The path of the mailbox that the run is working on. */
  readonly current?: string | null;
  /** The current state of the mailboxes, by path, while the run is active. */
  readonly known?: ReadonlyMap<string, Mailbox>;
  /** What an empty list means; null while the run is active and that is unknown. */
  readonly whenEmpty: string | null;
}

/** The mailboxes of the active run, each with how much of it is stored. */
export function RunMailboxesNow({ accountId, ...props }: Omit<Props, 'known' | 'whenEmpty'> & { accountId: string }) {
  const { rows = [] } = useLiveMailboxes(accountId);
  return <RunMailboxes {...props} whenEmpty={null} known={new Map(rows.map((mailbox) => [mailbox.path, mailbox]))} />;
}

/** The mailboxes that a run opened, and why each was synced the way it was. */
export function RunMailboxes({ runId, current = null, known, whenEmpty }: Props) {
  const { data, error, refetch } = useSteadyQuery({
    query: SyncRunMailboxesDocument,
    variables: { runId, first: FIRST },
  });
  // The run has opened the next mailbox.
  useEffect(() => {
    if (current !== null) refetch();
  }, [current, refetch]);

  if (error && !data) return <Failure error={error} />;
  const mailboxes = data?.syncRun?.mailboxes;
  if (!mailboxes) return null;
  if (mailboxes.edges.length === 0) {
    return whenEmpty === null ? null : (
      <Text size="sm" c="dimmed">
        {whenEmpty}
      </Text>
    );
  }
  return (
    <ul className={classes['plain']} aria-label="Mailboxes of this run">
      {mailboxes.edges.map(({ node: { path, reason, attempt } }) => {
        const mailbox = known?.get(path);
        return (
          <li key={path} className={classes['opened']}>
            <Group gap="xs" wrap="nowrap" miw={0}>
              <Text size="sm" {...(path === current ? { fw: 650 } : {})} className="truncate">
                <bdi>{path}</bdi>
              </Text>
              {path === current && (
                <Badge size="xs" tt="none" flex="none">
                  now
                </Badge>
              )}
            </Group>
            <Text size="xs" c="dimmed" title={reason}>
              {mailbox && `${storedOf(mailbox.storedCount, mailbox.messageCount)} · `}
              {planInWords(reason)}
              {attempt > 1 && `, attempt ${attempt}`}
            </Text>
            {mailbox && <MailboxBar mailbox={mailbox} />}
          </li>
        );
      })}
      {mailboxes.pageInfo.hasNextPage && (
        <Text component="li" size="xs" c="dimmed">
          and more
        </Text>
      )}
    </ul>
  );
}
