import { Badge, Box, Button, Group, Stack, Table, Text } from '@mantine/core';
import { useState } from 'react';
import { SyncReceiptDocument, type SyncReceiptQuery, type SyncRunStatus } from '../../generated/gql/graphql.ts';
import { useSteadyQuery } from '../api/use-steady-query.ts';
import { count, number } from '../parts/format.ts';
import { Failure, Loading } from '../parts/states.tsx';
import classes from './account.module.css';
import { gapInWords, PROOFS } from './wording.ts';

type MailboxReceipt = NonNullable<NonNullable<SyncReceiptQuery['syncRun']>['receipt']>['mailboxes'][number];

/** Mailboxes that are shown at first. */
const FIRST = 8;
/** Gaps that are listed one by one. */
const NAMED_GAPS = 20;

/** What a run proved: per mailbox the counts of the server and of the store, and each gap with its reason. */
export function Receipt({ runId, status }: { runId: string; status: SyncRunStatus }) {
  const { data, error } = useSteadyQuery({ query: SyncReceiptDocument, variables: { runId } });
  const [isWhole, setWhole] = useState(false);
  if (!data) return error ? <Failure error={error} /> : <Loading what="Loading the receipt" />;
  const receipt = data.syncRun?.receipt;
  if (!receipt) {
    return (
      <Text size="sm" c="dimmed">
        {status === 'SUCCEEDED' ? 'This run has no receipt.' : 'Only runs that succeed have a receipt.'}
      </Text>
    );
  }
  // Incomplete mailboxes come first.
  const mailboxes = receipt.mailboxes.toSorted((a, b) => Number(a.complete) - Number(b.complete));
  const shown = isWhole ? mailboxes : mailboxes.slice(0, FIRST);
  return (
    <Stack gap="xs">
      <Group gap="xs">
        <Badge color={receipt.complete ? 'teal' : 'yellow'} variant="light" tt="none" radius="sm">
          {receipt.complete ? 'Complete' : 'Not complete'}
        </Badge>
        <Text size="sm" c="dimmed">
          {receipt.complete
            ? 'All messages on the server are stored, each with all its bytes.'
            : 'Some messages on the server are not fully stored. The reasons are below.'}
        </Text>
      </Group>
      {receipt.unreadAnswers > 0 && (
        <Box>
          <Text size="sm" c="orange">
            {count(receipt.unreadAnswers, 'line')} of the server’s list of mailboxes could not be read, so some
            mailboxes may not be synced.
          </Text>
          <ul className={classes['plain']} aria-label="Lines that could not be read">
            {receipt.unreadSamples.map((sample, index) => (
              <Text
                component="li"
                size="xs"
                ff="monospace"
                key={`${index} ${sample}`}
                style={{ overflowWrap: 'anywhere' }}
              >
                <bdi>{sample}</bdi>
              </Text>
            ))}
          </ul>
        </Box>
      )}
      <Box component="section" className={classes['scroll']!} tabIndex={0} aria-label="Receipt by mailbox">
        <Table verticalSpacing={4} horizontalSpacing="xs" fz="sm">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Mailbox</Table.Th>
              <Table.Th ta="right">Server</Table.Th>
              <Table.Th ta="right">Stored</Table.Th>
              <Table.Th>Checked</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {shown.map((mailbox) => (
              <Row key={mailbox.mailboxId} receipt={mailbox} />
            ))}
          </Table.Tbody>
        </Table>
      </Box>
      {mailboxes.length > shown.length && (
        <Button variant="subtle" size="compact-sm" onClick={() => setWhole(true)}>
          Show all {number(mailboxes.length)}
        </Button>
      )}
    </Stack>
  );
}

function Row({ receipt }: { receipt: MailboxReceipt }) {
  const { mailbox, serverMessages, storedMessages, proof, complete, flagsProven, repairs, gapCount, gaps } = receipt;
  return (
    <Table.Tr>
      <Table.Td style={{ overflowWrap: 'anywhere' }}>
        <bdi>{mailbox}</bdi>
      </Table.Td>
      <Table.Td ta="right">{serverMessages === null ? 'unknown' : number(serverMessages)}</Table.Td>
      <Table.Td ta="right">{number(storedMessages)}</Table.Td>
      <Table.Td>
        <Text size="sm" {...(complete ? {} : { c: 'orange' })}>
          {proof ? PROOFS[proof] : 'none'}
          {proof && !flagsProven && ', flags not compared'}
        </Text>
        {repairs > 0 && <Text size="xs">{count(repairs, 'difference')} found and corrected</Text>}
        {gapCount > 0 && (
          <details>
            <summary>{count(gapCount, 'gap')}</summary>
            <ul className={classes['plain']}>
              {gaps.slice(0, NAMED_GAPS).map(({ uid, reason }) => (
                <Text component="li" size="xs" key={`${uid} ${reason}`}>
                  {uid && `UID ${uid}: `}
                  {gapInWords(reason)}
                </Text>
              ))}
              {gapCount > NAMED_GAPS && (
                <Text component="li" size="xs">
                  and {number(gapCount - Math.min(NAMED_GAPS, gaps.length))} more
                </Text>
              )}
            </ul>
          </details>
        )}
      </Table.Td>
    </Table.Tr>
  );
}
