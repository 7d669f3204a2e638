import { Alert, Anchor, Code, Group, Loader, Text } from '@mantine/core';
import type { TestEmailConnectionMutation } from '../../generated/gql/graphql.ts';
import { count } from '../parts/format.ts';
import { Linked } from '../parts/linked.tsx';

export type ConnectionTest = TestEmailConnectionMutation['testEmailConnection'];

interface Props {
  readonly isTesting: boolean;
  readonly test: ConnectionTest | null;
  /** The provider's page for creating an app password. */
  readonly loginUrl?: string | null;
}

/** The result of a connection test: success, or the cause and what to do about it. */
export function ConnectionResult({ isTesting, test, loginUrl }: Props) {
  return (
    <div role="status" aria-live="polite">
      {isTesting && (
        <Group gap="xs">
          <Loader size="xs" />
          <Text size="sm" c="dimmed">
            Testing the connection……
          </Text>
        </Group>
      )}
      {!isTesting && test?.ok && (
        <Alert color="teal" variant="light" py="xs" title="The connection works">
          {count(test.mailboxes.length, 'mailbox', 'mailboxes')} found.
        </Alert>
      )}
      {!isTesting && test && !test.ok && (
        <Alert color="red" variant="light" py="xs" title={test.message} data-testid="failure">
          {test.hint && (
            <Text size="sm">
              <Linked text={test.hint} />
            </Text>
          )}
          {loginUrl && test.code?.startsWith('IMAP_AUTH') && !test.hint?.includes(loginUrl) && (
            <Anchor size="sm" href={loginUrl} target="_blank" rel="noopener noreferrer">
              Create an app password
            </Anchor>
          )}
          <Text size="xs" c="dimmed" mt={4}>
            <Code>{test.code}</Code>
          </Text>
        </Alert>
      )}
    </div>
  );
}
