import { Alert, Button, Center, Code, Paper, PasswordInput, Stack, Text, Title } from '@mantine/core';
import { hasEnded } from '../api/session.ts';

/**
 * The sign-in form, shown at the requested address, to which signing in returns. It is a plain form, because the
 * service answers with a cookie and a redirect, and because password managers support forms.
 */
export function SignIn() {
  const asked = new URLSearchParams(location.search);
  const next = asked.get('next') ?? location.pathname + location.search;
  return (
    <Center component="main" mih="100vh" p="md">
      <Paper withBorder p="xl" w="100%" maw="24rem" component="form" {...{ method: 'post', action: '/sign-in' }}>
        <Stack>
          <Title order={1}>Sign in to Mailtide</Title>
          {asked.has('failed') && (
            <Alert color="red" role="alert">
              This API key is not valid. Check it and try again.
            </Alert>
          )}
          {hasEnded() && (
            <Text size="sm" role="status">
              Your session has ended. Sign in again to continue.
            </Text>
          )}
          <PasswordInput
            label="API key"
            name="key"
            placeholder="mt_…"
            description="Part of the link that the service printed at its first start."
            autoComplete="current-password"
            required
            autoFocus
          />
          <input type="hidden" name="next" value={next} />
          <Button type="submit">Sign in</Button>
          <Text size="xs" c="dimmed">
            Lost the key? <Code>npm run tenant -- key default</Code> prints a new one.
          </Text>
        </Stack>
      </Paper>
    </Center>
  );
}
