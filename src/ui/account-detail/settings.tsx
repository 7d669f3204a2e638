import { Alert, Button, Group, Paper, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useEffect, useEffectEvent, useMemo } from 'react';
import { useMutation } from 'urql';
import { UpdateEmailAccountDocument, type UpdateEmailAccountInput } from '../../generated/gql/graphql.ts';
import { credentialsOf } from '../account-parts/credentials.ts';
import { ServerFields, type ServerValues } from '../account-parts/server-fields.tsx';
import { useSuggestion } from '../add-account/use-suggestion.ts';
import { codeOf, whyNotDone } from '../api/client.ts';
import { useActionError } from '../api/use-action-error.ts';
import { useShownQuery } from '../shell/show-query.tsx';
import type { Account } from './account.ts';

interface Values extends ServerValues {
  displayName: string;
  syncIntervalMinutes: string;
  password: string;
}

/** The settings of an account. A changed login is tested before it is stored. */
export default function Settings({ account }: { account: Account }) {
  const { imap } = account;
  const stored = useMemo(() => valuesOf(account), [account]);
  const form = useForm<Values>({ initialValues: stored });
  const { values, isDirty } = form;
  // Shows what another client changes meanwhile, and keeps only what was typed here, so that saving reverts nothing.
  const follow = useEffectEvent((now: Values) => {
    const typed = Object.fromEntries(Object.entries(values).filter(([name]) => isDirty(name)));
    // The order matters: setValues decides what is dirty by comparing with the initial values.
    form.setInitialValues(now);
    form.setValues({ ...now, ...typed });
  });
  useEffect(() => follow(stored), [stored]);
  const { suggestion } = useSuggestion(account.emailAddress);
  const isOAuth = suggestion?.login === 'OAUTH2' && suggestion.host === values.host.trim();
  const [{ fetching, data }, update] = useMutation(UpdateEmailAccountDocument);
  const [error, setError] = useActionError();
  useShownQuery(UpdateEmailAccountDocument, { id: account.id, input: { displayName: 'Ann' } });

  async function save() {
    if (isIdle) return;
    if (values.host.trim() !== imap.host && values.password === '') {
      form.setFieldError('password', 'Enter the password again for the new server.');
      return;
    }
    const answer = await update({ id: account.id, input: inputOf(values, account, isOAuth) });
    setError(answer.error);
    if (answer.error) return;
    form.setFieldValue('password', '');
    form.resetDirty();
  }

  const isIdle = fetching || !isDirty();
  const needsAuth = account.syncStatus.needsAuthSince !== null;
  const hasNoAccess = account.syncStatus.lastSyncError?.code === 'MAILBOX_NOT_ACCESSIBLE';
  return (
    <Paper withBorder p="lg" maw="34rem">
      <form
        aria-label="Settings of the account"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <Stack gap="sm">
          {needsAuth && (
            <Alert
              color="red"
              variant="light"
              title={hasNoAccess ? 'The server opens no mailbox' : 'The server rejected the password'}
            >
              Enter {hasNoAccess ? 'the password again once it does' : 'a new one'}. Mailtide does not log in before
              that, so that the provider does not lock the account.
            </Alert>
          )}
          <PasswordInput
            label={isOAuth ? 'New access token' : 'New password'}
            description="Leave empty to keep the stored one."
            autoComplete="off"
            {...(needsAuth ? { 'data-autofocus': true, autoFocus: true } : {})}
            {...form.getInputProps('password')}
          />
          <TextInput label="Display name" {...form.getInputProps('displayName')} />
          <TextInput
            type="number"
            label="Minutes between two syncs"
            description="Leave empty for the default of the installation."
            min={1}
            max={10_080}
            {...form.getInputProps('syncIntervalMinutes')}
          />
          <TextInput
            label="IMAP server"
            required
            description={values.host !== imap.host ? 'Enter the password again for the new server.' : undefined}
            {...form.getInputProps('host')}
          />
          <ServerFields form={form} />
          {error && (
            <Alert color="red" variant="light" role="alert" title={whyNotDone(error)}>
              {codeOf(error)}
            </Alert>
          )}
          {data && !isDirty() && (
            <Text size="sm" c="teal" role="status">
              Saved.
            </Text>
          )}
          <Group justify="flex-end">
            {/* Not `disabled`, because that would take the focus from a button that was just pressed. */}
            <Button type="submit" data-disabled={isIdle} aria-disabled={isIdle}>
              {fetching ? 'Saving…' : 'Save'}
            </Button>
          </Group>
        </Stack>
      </form>
    </Paper>
  );
}

const valuesOf = ({ displayName, syncIntervalMinutes, imap }: Account): Values => ({
  displayName: displayName ?? '',
  syncIntervalMinutes: syncIntervalMinutes === null ? '' : String(syncIntervalMinutes),
  password: '',
  host: imap.host,
  port: String(imap.port),
  security: imap.security,
  username: imap.username,
});

/** Returns only what changed, so that an unchanged login is not tested again. */
function inputOf(
  values: Values,
  { imap, displayName, syncIntervalMinutes }: Account,
  isOAuth: boolean,
): UpdateEmailAccountInput {
  const server = {
    host: values.host.trim(),
    port: Number(values.port),
    security: values.security,
    username: values.username.trim(),
  };
  const isMoved =
    server.host !== imap.host ||
    server.port !== imap.port ||
    server.security !== imap.security ||
    server.username !== imap.username;
  const interval = values.syncIntervalMinutes === '' ? null : Number(values.syncIntervalMinutes);
  return {
    ...(values.displayName !== (displayName ?? '') ? { displayName: values.displayName } : {}),
    ...(interval !== (syncIntervalMinutes ?? null) ? { syncIntervalMinutes: interval } : {}),
    ...(isMoved ? { imap: { ...server, username: server.username || null } } : {}),
    ...(values.password !== '' ? { credentials: credentialsOf(values.password, isOAuth) } : {}),
  };
}
