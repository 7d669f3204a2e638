import { Anchor, Badge, Paper, Table, Text } from '@mantine/core';
import { Link } from 'wouter';
import { MailboxesDocument } from '../../generated/gql/graphql.ts';
import { useRunNow } from '../account-parts/run-bar.tsx';
import { number, storedOf } from '../parts/format.ts';
import { Empty, Failure, Loading } from '../parts/states.tsx';
import { Ago } from '../parts/time.tsx';
import { toMailbox, toReceipt } from '../paths.ts';
import { useShownQuery } from '../shell/show-query.tsx';
import classes from './account.module.css';
import type { Account } from './account.ts';
import { MailboxBar } from './mailbox-bar.tsx';
import { treeOf } from './mailbox-tree.ts';
import { type Mailbox, useLiveMailboxes } from './use-mailboxes.ts';

/** The tree of mailboxes, with their counts and the time of their last proof. */
export default function Mailboxes({ account }: { account: Account }) {
  useShownQuery(MailboxesDocument, { accountId: account.id, first: 100 });
  const { rows, error, refetch } = useLiveMailboxes(account.id);
  const run = useRunNow(account);

  if (!rows)
    return error ? <Failure error={error} retry={() => void refetch()} /> : <Loading what="Loading the mailboxes" />;
  if (rows.length === 0) return <Empty title="No mailboxes yet">The first sync lists them.</Empty>;
  return (
    <Paper withBorder component="section" className={classes['scroll']!} tabIndex={0} aria-label="Mailboxes">
      <Table highlightOnHover verticalSpacing={6} fz="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Mailbox</Table.Th>
            <Table.Th ta="right">Messages</Table.Th>
            <Table.Th ta="right">Unread</Table.Th>
            <Table.Th visibleFrom="xs">Complete as of</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {treeOf(rows).map(({ mailbox, name, depth }) => (
            <Table.Tr key={mailbox.id}>
              <Table.Td className={classes['mailbox']!} style={{ paddingInlineStart: `${0.75 + depth * 1.25}rem` }}>
                <Anchor component={Link} href={toMailbox(account.id, mailbox.id)} size="sm" c="inherit">
                  <bdi>{name}</bdi>
                </Anchor>
                {mailbox.path === run?.mailbox && (
                  <Badge size="xs" tt="none" ml="xs">
                    now
                  </Badge>
                )}
                {mailbox.specialUse && (
                  <Text span size="xs" c="dimmed" ml={6}>
                    {/* Without the blank, a screen reader joins it with the name. */}
                    {` ${mailbox.specialUse.slice(1)}`}
                  </Text>
                )}
                <Text size="xs" c="dimmed" hiddenFrom="xs">
                  {mailbox.provenCurrentAt && 'complete as of '}
                  <CompleteAsOf mailbox={mailbox} />
                </Text>
              </Table.Td>
              <Table.Td ta="right">
                {storedOf(mailbox.storedCount, mailbox.messageCount)}
                {run && mailbox.storedCount < mailbox.messageCount && (
                  // The cell has the same as text.
                  <div aria-hidden>
                    <MailboxBar mailbox={mailbox} />
                  </div>
                )}
                {account.syncStatus.state === 'SUCCEEDED' && mailbox.storedCount < mailbox.messageCount && (
                  <Anchor component={Link} href={toReceipt(account.id)} display="block" size="xs" underline="always">
                    {number(mailbox.messageCount - mailbox.storedCount)} quarantined
                  </Anchor>
                )}
              </Table.Td>
              <Table.Td ta="right" {...(mailbox.unreadCount > 0 ? { fw: 650 } : { c: 'dimmed' })}>
                {number(mailbox.unreadCount)}
              </Table.Td>
              <Table.Td style={{ whiteSpace: 'nowrap' }} visibleFrom="xs">
                <CompleteAsOf mailbox={mailbox} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Paper>
  );
}

function CompleteAsOf({ mailbox: { provenCurrentAt } }: { mailbox: Mailbox }) {
  return provenCurrentAt ? (
    <Ago at={provenCurrentAt} />
  ) : (
    <Text span inherit c="dimmed">
      not confirmed
    </Text>
  );
}
