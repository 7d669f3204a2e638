import { Anchor, Text } from '@mantine/core';
import { useEffect } from 'react';
import { Link } from 'wouter';
import type { AccountSummaryFragment } from '../../generated/gql/graphql.ts';
import { AccountButtons } from '../account-parts/account-buttons.tsx';
import classes from '../account-parts/accounts.module.css';
import { RunProgress } from '../account-parts/run-progress.tsx';
import { StateBadge } from '../account-parts/state-badge.tsx';
import { StateDetail } from '../account-parts/state-detail.tsx';
import { useAccountActions, wasDeletedHere } from '../account-parts/use-account-actions.ts';
import { useStored } from '../account-parts/use-stored.ts';
import { whyNotDone } from '../api/client.ts';
import { count, number, storedOf } from '../parts/format.ts';
import { findFocus } from '../parts/view-title.tsx';
import { toAccount } from '../paths.ts';

export function AccountRow({ account }: { account: AccountSummaryFragment }) {
  const actions = useAccountActions(account);
  const { id } = account;
  // Deleting the account also removes the dialog that had the focus.
  useEffect(() => () => void (wasDeletedHere(id) && findFocus()), [id]);
  const { totals } = account;
  const stored = useStored(account);
  return (
    <li className={classes['row']} data-testid="account">
      <div className={classes['who']}>
        <Anchor component={Link} href={toAccount(account.id)} fw={600} c="inherit" className="truncate">
          {account.emailAddress}
        </Anchor>
        {account.displayName && (
          <Text size="xs" c="dimmed" className="truncate">
            <bdi>{account.displayName}</bdi>
          </Text>
        )}
      </div>
      <div className={classes['state']}>
        <StateBadge account={account} />
        <StateDetail account={account} size="xs" className={classes['detail']!} />
      </div>
      <div className={classes['totals']}>
        <Text size="sm">
          {stored === totals.messages ? count(totals.messages, 'message') : storedOf(stored, totals.messages)}
        </Text>
        <Text size="xs" c="dimmed">
          {number(totals.unread)} unread · {count(totals.mailboxes, 'mailbox', 'mailboxes')}
        </Text>
      </div>
      <div className={classes['buttons']}>
        <AccountButtons account={account} actions={actions} />
      </div>
      <div className={classes['progress']}>
        <RunProgress account={account} />
        {actions.error && (
          <Text size="sm" c="red" role="alert">
            {whyNotDone(actions.error)}
          </Text>
        )}
      </div>
    </li>
  );
}
