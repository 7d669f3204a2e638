import {
  Alert,
  Anchor,
  Button,
  Code,
  Collapse,
  Group,
  Paper,
  PasswordInput,
  Stack,
  Text,
  TextInput,
} from '@mantine/core';
import { useForm } from '@mantine/form';
import { useEffect, useId, useState } from 'react';
import { useMutation } from 'urql';
import { Link, useLocation } from 'wouter';
import {
  CreateEmailAccountDocument,
  type EmailConnectionInput,
  StartEmailSyncDocument,
} from '../../generated/gql/graphql.ts';
import { ConnectionResult } from '../account-parts/connection-result.tsx';
import { credentialsOf } from '../account-parts/credentials.ts';
import { ServerFields, type ServerValues } from '../account-parts/server-fields.tsx';
import { useConnectionTest } from '../account-parts/use-connection-test.ts';
import { useKnownAccount } from '../account-parts/use-known-account.ts';
import { whyNotDone } from '../api/client.ts';
import { useActionError } from '../api/use-action-error.ts';
import { Linked } from '../parts/linked.tsx';
import { useTitle } from '../parts/use-title.ts';
import { ViewTitle } from '../parts/view-title.tsx';
import { toAccount } from '../paths.ts';
import { useShownQuery } from '../shell/show-query.tsx';
import { type Suggestion, useSuggestion } from './use-suggestion.ts';

interface Values extends ServerValues {
  emailAddress: string;
  password: string;
}

const NO_SERVER = { host: '', port: '993', security: 'TLS', username: '' } as const;

/** Adds an account and starts its sync. The form fills in the server if it is known for the address. */
export default function AddAccountView() {
  useTitle('Add an account');
  useShownQuery(CreateEmailAccountDocument, {
    input: {
      emailAddress: 'ann@example.com',
      imap: { host: 'imap.example.com', port: 993, security: 'TLS' },
      credentials: { password: '…' },
    },
  });
  const form = useForm<Values>({ initialValues: { emailAddress: '', password: '', ...NO_SERVER } });
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

  // Keeps what the user typed. A suggested server belongs to one address and goes when the address changes. Otherwise
  // the password would be sent to an unrelated server.
  const { setValues } = form;
  useEffect(() => {
    if (isEdited) return;
    const { host, port, security, username } = suggestion ?? NO_SERVER;
    setValues({ host, port: String(port), security, username: username ?? '' });
  }, [suggestion, isEdited, setValues]);

  const known = useKnownAccount(values.emailAddress);
  // A provider's login hints apply to its own server only.
  const provider = suggestion?.host === values.host.trim() ? suggestion : null;
  const isOAuth = provider?.login === 'OAUTH2';
  const input = inputOf(values, isOAuth);
  const isComplete = values.emailAddress !== '' && values.password !== '' && values.host !== '';

  function edited() {
    setEdited(true);
    connection.forget();
  }

  async function connect() {
    if (known) return;
    setError(undefined);
    const { ok } = await connection.tryOnce(input);
    if (!ok) return;
    // The connection has just been tested.
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
              error={
                known && (
                  <>
                    This address is already connected:{' '}
                    <Anchor component={Link} href={toAccount(known.id)} inherit underline="always">
                      open {known.emailAddress}
                    </Anchor>
                  </>
                )
              }
            />
            <TextInput
              label="IMAP server"
              required
              placeholder="imap.example.com"
              autoComplete="off"
              description={
                <ServerNote suggestion={suggestion} host={values.host} isLooking={isLooking} isUnknown={isUnknown} />
              }
              inputWrapperOrder={['label', 'input', 'description', 'error']}
              value={values.host}
              onChange={(event) => {
                form.setFieldValue('host', event.currentTarget.value);
                edited();
              }}
            />
            <div>
              {!isUnknown && (
                <Anchor
                  component="button"
                  type="button"
                  size="sm"
                  aria-expanded={isOpen}
                  aria-controls={detailsId}
                  onClick={() => setOpen(!isOpen)}
                >
                  Port {values.port}, {values.security === 'NONE' ? 'not encrypted' : values.security}
                  {values.username && `, as ${values.username}`}: change
                </Anchor>
              )}
              <Collapse expanded={isOpen || isUnknown} id={detailsId}>
                <Stack gap="sm" pt="xs">
                  <ServerFields form={form} onEdit={edited} />
                </Stack>
              </Collapse>
            </div>
            {provider?.loginHint && (
              <Alert color="blue" variant="light" py="xs">
                <Linked text={provider.loginHint} />{' '}
                {provider.loginUrl && !provider.loginHint.includes(provider.loginUrl) && (
                  <Linked text={provider.loginUrl} />
                )}
                {isOAuth && <AboutTokens />}
              </Alert>
            )}
            <PasswordInput
              label={isOAuth ? 'Access token' : provider?.login === 'APP_PASSWORD' ? 'App password' : 'Password'}
              required
              autoComplete="off"
              value={values.password}
              onChange={(event) => {
                form.setFieldValue('password', event.currentTarget.value);
                connection.forget();
              }}
              onBlur={() => {
                if (isComplete && !known) void connection.tryOnce(input);
              }}
            />
            <Group justify="flex-end">
              <Button type="submit" loading={created.fetching || started.fetching}>
                Connect and sync
              </Button>
            </Group>
            {/* Below the button, which must not move when the result appears while it is pressed. */}
            <ConnectionResult
              isTesting={connection.isTesting}
              test={connection.test}
              loginUrl={provider?.loginUrl ?? null}
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
        {isOAuth ? 'The access token' : 'The password'} is stored encrypted and never shown. Mailtide only reads the
        mailbox on the server.
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
    credentials: credentialsOf(password, isOAuth),
  };
}

const FOUND: Record<Suggestion['source'], (suggestion: Suggestion) => string> = {
  AUTOCONFIG: () => 'The domain names this server (autoconfig file).',
  PROVIDER: ({ provider }) => `The server of ${provider}.`,
  MX: ({ provider }) => `${provider} receives the mail of this domain (MX record).`,
  SRV: () => 'The domain names this server (SRV record).',
  NAME: () => 'A guess: a host with this name exists.',
};

function ServerNote({
  suggestion,
  host,
  isLooking,
  isUnknown,
}: {
  suggestion: Suggestion | null;
  host: string;
  isLooking: boolean;
  isUnknown: boolean;
}) {
  if (isLooking) return 'Looking up the server…';
  if (suggestion && suggestion.host !== host.trim()) {
    return `As you typed it. The suggestion for this address is ${suggestion.host}.`;
  }
  if (suggestion) return FOUND[suggestion.source](suggestion);
  if (isUnknown) return 'No server was found for this address. Ask your provider for its name.';
  return 'Filled in automatically if it is known for the address.';
}

/** Explains tokens, because the page can neither request nor renew one. */
function AboutTokens() {
  return (
    <Text size="sm" mt={4}>
      Mailtide cannot request a token for you. Get it from an application that is registered with the provider and may
      read mail over IMAP (for Microsoft <Code>IMAP.AccessAsUser.All</Code>). A token is valid for about an hour. After
      that, syncs stop until you enter a new one in the account’s settings.
    </Text>
  );
}
