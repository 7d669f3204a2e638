import { Alert, Button, Code, Modal, Text } from '@mantine/core';
import { useState } from 'react';
import { VerifyEventChainDocument } from '../../generated/gql/graphql.ts';
import { useSteadyQuery } from '../api/use-steady-query.ts';
import { count, number } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { Failure, Loading } from '../parts/states.tsx';

/** A button that makes the service read the whole timeline and check every hash. */
export function VerifyChain({ accountId }: { accountId: string }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button variant="default" leftSection={<Icon name="check" size={16} />} onClick={() => setOpen(true)}>
        Verify
      </Button>
      <Modal opened={isOpen} onClose={() => setOpen(false)} title="Hash chain of this timeline" centered>
        <Verification accountId={accountId} />
      </Modal>
    </>
  );
}

function Verification({ accountId }: { accountId: string }) {
  const { data, error, fetching } = useSteadyQuery({
    query: VerifyEventChainDocument,
    variables: { accountId },
    requestPolicy: 'network-only',
  });
  if (error) return <Failure error={error} />;
  if (!data || fetching) return <Loading what="Checking every hash" />;
  const { ok, length, head, brokenAtSeq, reason } = data.verifyEventChain;
  return (
    <Alert
      color={ok ? 'teal' : 'red'}
      variant="light"
      title={ok ? 'Intact' : `Broken at event ${number(brokenAtSeq ?? '0')}`}
      role="status"
    >
      <Text size="sm">
        {ok
          ? `All ${count(Number(length), 'event')} are unchanged: each hash follows from the previous one.`
          : `${count(Number(length), 'event')} before it are intact. Check that failed: ${reason?.toLowerCase()}.`}
      </Text>
      <Text size="xs" mt="xs">
        Head <Code style={{ overflowWrap: 'anywhere' }}>{head}</Code>
      </Text>
    </Alert>
  );
}
