import { Anchor, Text, type TextProps } from '@mantine/core';
import { Link } from 'wouter';
import type { AccountSummaryFragment } from '../../generated/gql/graphql.ts';
import { useNow } from '../parts/time.tsx';
import { RECEIPT_ID, toReceipt } from '../paths.ts';
import { shownState } from './account-state.ts';

/** The details of the state, with a link to the receipt if that has more. */
export function StateDetail({ account, ...text }: { account: AccountSummaryFragment } & TextProps) {
  const { detail, isInReceipt } = shownState(account, useNow());
  if (!detail) return null;
  return (
    <Text c="dimmed" {...text}>
      {isInReceipt ? (
        <Anchor
          component={Link}
          href={toReceipt(account.id)}
          inherit
          c="inherit"
          underline="always"
          onClick={showReceipt}
        >
          {detail}
        </Anchor>
      ) : (
        detail
      )}
    </Text>
  );
}

/** Scrolls to the receipt, because a link to the current view does not. */
const showReceipt = (): void => document.getElementById(RECEIPT_ID)?.scrollIntoView();
