import { Badge } from '@mantine/core';
import type { AccountSummaryFragment } from '../../generated/gql/graphql.ts';
import { useNow } from '../parts/time.tsx';
import { shownState } from './account-state.ts';

export function StateBadge({ account }: { account: AccountSummaryFragment }) {
  const { label, color } = shownState(account, useNow());
  return (
    <Badge color={color} variant="light" tt="none" size="lg" radius="sm" maw="100%" data-testid="state">
      {label}
    </Badge>
  );
}
