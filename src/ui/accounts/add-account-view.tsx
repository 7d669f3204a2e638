import { Alert, Anchor, Button, Collapse, Group, Paper, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useEffect, useId, useState } from 'react';
import { useMutation } from 'urql';
import { useLocation } from 'wouter';
import {
  CreateEmailAccountDocument,
  type EmailConnectionInput,
  StartEmailSyncDocument,
} from '../../generated/gql/graphql.ts';
import { whyNotDone } from '../api/client.ts';
import { useActionError } from '../api/use-action-error.ts';
import { Linked } from '../parts/linked.tsx';
import { useTitle } from '../parts/use-title.ts';
import { ViewTitle } from '../parts/view-title.tsx';
import { toAccount } from '../paths.ts';
import { useShownQuery } from '../shell/show-query.tsx';
import { ConnectionResult } from './connection-result.tsx';
import { ServerFields, type ServerValues } from './server-fields.tsx';
import { useConnectionTest } from './use-connection-test.ts';
import { type Suggestion, useSuggestion } from './use-suggestion.ts';

interface Values extends ServerValues {
  emailAddress: string;
  password: string;
}

/** From nothing to a running sync in three fields; the server fills itself in where it is known. */
export default function AddAccountView() {
  useTitle('Add an account');
  useShownQuery(CreateEmailAccountDocument, {
    input: {
      emailAddress: 'ann@example.com',
      imap: { host: 'imap.example.com', port: 993, security: 'TLS' },
      credentials: { password: '…' },
    },
  });
  const form = useForm<Values>({
    initialValues: { emailAddress: '', password: '', host: '', port: 993, security: 'TLS', username: '' },
  });
  const { values } = form;
  const [isEdited, setEdited] = useState(false);
  const [isOpen, setOpen] = useState(false);
  const { suggestion, isLooking, isUnknown } = useSuggestion(values.emailAddress);
  const connection = useConnectionTest();
  const [created, create] = useMutation(CreateEmailAccountDocument);
  const [started, start] = useMutation(StartEmailSyncDocument);
  const [error, setError] = useActionError();
  const [, navigate] = useLocation();
  const detailsId = useId();

  // What the person typed is theirs: only what was filled in for them is filled in anew.
  const { setValues } = form;
  useEffect(() => {
    if (suggestion && !isEdited) {
      setValues({ host: suggestion.host, port: suggestion.port, security: suggestion.security });
    }
  }, [suggestion, isEdited, setValues]);

  const isOAuth = suggestion?.login === 'OAUTH2' && suggestion.host === values.host;
  const input = inputOf(values, isOAuth);
  const isComplete = values.emailAddress !== '' && values.password !== '' && values.host !== '';

  function edited() {
    setEdited(true);
    connection.forget();
  }

  async function connect() {
    setError(undefined);
    const { ok } = await connection.tryOnce(input);
    if (!ok) return;
    // It has just been tried.
    const { data, error } = await create({ input: { ...input, verify: false } });
    setError(error);
    if (!data) return;
    const { id } = data.createEmailAccount;
    await start({ accountId: id });
    navigate(toAccount(id));
  }

  return (
    <Stack maw="34rem" mx="auto" gap="sm">
      <ViewTitle>Add an account</ViewTitle>
      <Paper withBorder p={{ base: 'md', sm: 'lg' }}>
        <form
          aria-label="Add an account"
          onSubmit={(event) => {
            event.preventDefault();
            void connect();
          }}
        >
          <Stack gap="sm">
            <TextInput
              label="Email address"
              type="email"
              required
              autoFocus
              autoComplete="off"
              value={values.emailAddress}
              onChange={(event) => {
                form.setFieldValue('emailAddress', event.currentTarget.value);
                connection.forget();
              }}
            />
            <TextInput
              label="IMAP server"
              required
              placeholder="imap.example.com"
              autoComplete="off"
              description={<ServerNote suggestion={suggestion} isLooking={isLooking} isUnknown={isUnknown} />}
              inputWrapperOrder={['label', 'input', 'description', 'error']}
              value={values.host}
              onChange={(event) => {
                form.setFieldValue('host', event.currentTarget.value);
                edited();
              }}
            />
            <div>
              <Anchor
                component="button"
                type="button"
                size="sm"
                aria-expanded={isOpen || isUnknown}
                aria-controls={detailsId}
                onClick={() => setOpen(!isOpen)}
              >
                Port {values.port}, {values.security === 'NONE' ? 'not encrypted' : values.security}
                {values.username && `, as ${values.username}`}: change
              </Anchor>
              <Collapse expanded={isOpen || isUnknown} id={detailsId}>
                <Stack gap="sm" pt="xs">
                  <ServerFields form={form} onEdit={edited} />
                </Stack>
              </Collapse>
            </div>
            {suggestion?.loginHint && suggestion.host === values.host && (
              <Alert color="blue" variant="light" py="xs">
                <Linked text={suggestion.loginHint} />{' '}
                {suggestion.loginUrl && !suggestion.loginHint.includes(suggestion.loginUrl) && (
                  <Linked text={suggestion.loginUrl} />
                )}
              </Alert>
            )}
            <PasswordInput
              label={isOAuth ? 'Access token' : suggestion?.login === 'APP_PASSWORD' ? 'App password' : 'Password'}
              required
              autoComplete="off"
              value={values.password}
              onChange={(event) => {
                form.setFieldValue('password', event.currentTarget.value);
                connection.forget();
              }}
              onBlur={() => {
                if (isComplete) void connection.tryOnce(input);
              }}
            />
            <Group justify="flex-end">
              <Button type="submit" loading={created.fetching || started.fetching}>
                Connect and sync
              </Button>
            </Group>
            {/* Below, because it comes and goes while the button is pressed: that must stay where it is. */}
            <ConnectionResult
              isTesting={connection.isTesting}
              test={connection.test}
              loginUrl={suggestion?.loginUrl ?? null}
            />
            {error && (
              <Text size="sm" c="red" role="alert">
                {whyNotDone(error)}
              </Text>
            )}
          </Stack>
        </form>
      </Paper>
      <Text size="xs" c="dimmed">
        The password is stored encrypted and shown to nobody. The mailbox on the server is only read.
      </Text>
    </Stack>
  );
}

function inputOf(
  { emailAddress, password, host, port, security, username }: Values,
  isOAuth: boolean,
): EmailConnectionInput {
  return {
    emailAddress: emailAddress.trim(),
    imap: { host: host.trim(), port: Number(port), security, username: username.trim() || null },
    credentials: isOAuth ? { oauth2: { accessToken: password } } : { password },
  };
}

const FOUND: Record<Suggestion['source'], (suggestion: Suggestion) => string> = {
  PROVIDER: ({ provider }) => `The server of ${provider}.`,
  SRV: () => 'Its domain names this server (SRV record).',
  MX: ({ provider }) => `${provider} takes the mail of this domain (MX record).`,
  NAME: () => 'A guess: a host with this name is there.',
};

function ServerNote({
  suggestion,
  isLooking,
  isUnknown,
}: {
  suggestion: Suggestion | null;
  isLooking: boolean;
  isUnknown: boolean;
}) {
  if (isLooking) return 'Looking for it…';
  if (suggestion) return FOUND[suggestion.source](suggestion);
  if (isUnknown) return 'Not found by itself: your provider says which it is.';
  return 'Filled in from the address where it is known.';
}
