import { Group, Stack, Text } from '@mantine/core';
import { lazy, Suspense } from 'react';
import { Redirect, useLocation } from 'wouter';
import { EmailAccountDocument } from '../../generated/gql/graphql.ts';
import { AccountButtons } from '../account-parts/account-buttons.tsx';
import { StateBadge } from '../account-parts/state-badge.tsx';
import { StateDetail } from '../account-parts/state-detail.tsx';
import { useAccountActions, wasDeletedHere } from '../account-parts/use-account-actions.ts';
import { whyNotDone } from '../api/client.ts';
import { useLiveQuery } from '../api/use-live-query.ts';
import { Failure, Loading, NotFound } from '../parts/states.tsx';
import { useTitle } from '../parts/use-title.ts';
import { ViewTitle } from '../parts/view-title.tsx';
import { type AccountPart, isAccountPart } from '../paths.ts';
import { useShownQuery } from '../shell/show-query.tsx';
import type { Account } from './account.ts';
import { AccountNav } from './account-nav.tsx';
import { Overview } from './overview.tsx';

const PARTS: Record<AccountPart, React.ComponentType<{ account: Account }>> = {
  mailboxes: lazy(() => import('./mailboxes.tsx')),
  history: lazy(() => import('./history.tsx')),
  events: lazy(() => import('./events.tsx')),
  settings: lazy(() => import('./settings.tsx')),
};

interface Props {
  readonly accountId: string;
  readonly part?: string;
}

/** One account: its state, and the part that is selected. */
export default function AccountView({ accountId, part }: Props) {
  const { data, error, refetch } = useLiveQuery({
    query: EmailAccountDocument,
    variables: { id: accountId },
    accountId,
  });
  if (!data) return error ? <Failure error={error} retry={refetch} /> : <Loading what="Loading the account" />;
  const account = data.emailAccount;
  if (!account && wasDeletedHere(accountId)) return <Redirect to="/" replace />;
  if (!account || (part !== undefined && !isAccountPart(part))) return <NotFound />;

  const Part = part === undefined ? Overview : PARTS[part];
  return (
    <Stack gap="md">
      {part === undefined && <ShownQuery accountId={accountId} />}
      <AccountHeader account={account} part={part} />
      <AccountNav accountId={account.id} part={part ?? 'overview'} />
      <Suspense fallback={<Loading />}>
        <Part account={account} />
      </Suspense>
    </Stack>
  );
}

/** Announces the query of the overview. The other parts announce their own. */
function ShownQuery({ accountId }: { accountId: string }) {
  useShownQuery(EmailAccountDocument, { id: accountId });
  return null;
}

function AccountHeader({ account, part }: { account: Account; part: string | undefined }) {
  useTitle(part ? `${account.emailAddress}, ${part}` : account.emailAddress);
  const [, navigate] = useLocation();
  const actions = useAccountActions(account);
  return (
    <Stack gap={4}>
      <Group justify="space-between" align="flex-start">
        <Group gap="xs" miw={0}>
          <ViewTitle>{account.emailAddress}</ViewTitle>
          <StateBadge account={account} />
          <StateDetail account={account} size="sm" />
        </Group>
        <AccountButtons account={account} actions={actions} onDeleted={() => navigate('/', { replace: true })} />
      </Group>
      {actions.error && (
        <Text size="sm" c="red" role="alert">
          {whyNotDone(actions.error)}
        </Text>
      )}
    </Stack>
  );
}
