import { Alert, Anchor, Button, Center, Loader, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import type { CombinedError } from 'urql';
import { Link } from 'wouter';
import { sentenceOf } from '../api/client.ts';
import { ViewTitle } from './view-title.tsx';

export function Loading({ what = 'Loading' }: { what?: string }) {
  return (
    <Center mih="30vh" role="status" aria-label={what}>
      <Loader type="dots" />
    </Center>
  );
}

/** An empty state, and what to do about it. */
interface EmptyProps {
  readonly title: string;
  readonly children?: ReactNode;
  readonly action?: ReactNode;
  /** The view contains nothing else. */
  readonly isView?: boolean;
}

export function Empty({ title, children, action, isView = false }: EmptyProps) {
  return (
    <Center mih="30vh" px="md">
      <Stack align="center" gap="xs" maw="26rem" ta="center">
        {isView ? <ViewTitle>{title}</ViewTitle> : <Title order={2}>{title}</Title>}
        {children && <Text c="dimmed">{children}</Text>}
        {action}
      </Stack>
    </Center>
  );
}

export function Failure({ error, retry }: { error: CombinedError; retry?: () => void }) {
  return (
    <Alert color="red" variant="light" role="alert" title="This could not be loaded">
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{sentenceOf(error)}</Text>
        {retry && (
          <Button size="compact-sm" variant="default" onClick={retry}>
            Try again
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

/** For objects that do not exist or belong to another tenant, which look the same. */
export function NotFound({ isView = true }: { isView?: boolean }) {
  return (
    <Empty
      isView={isView}
      title="Not found"
      action={
        <Anchor component={Link} href="/">
          Go to your accounts
        </Anchor>
      }
    >
      This does not exist, or you do not have access to it.
    </Empty>
  );
}
