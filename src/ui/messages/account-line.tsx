import { Text } from '@mantine/core';
import { Link } from 'wouter';
import type { AccountSummaryFragment } from '../../generated/gql/graphql.ts';
import { shownState } from '../account-parts/account-state.ts';
import { RunBar, useRunNow } from '../account-parts/run-bar.tsx';
import { useNow } from '../parts/time.tsx';
import { ViewTitle } from '../parts/view-title.tsx';
import { toAccount } from '../paths.ts';
import classes from './messages.module.css';

/** The account's state above the messages, so that an incomplete list is not mistaken for a complete one. */
export function AccountLine({ account }: { account: AccountSummaryFragment | undefined }) {
  return (
    <div className={classes['account']}>
      <ViewTitle className={classes['hidden']!}>Messages{account && ` of ${account.emailAddress}`}</ViewTitle>
      {account && <State account={account} />}
    </div>
  );
}

function State({ account }: { account: AccountSummaryFragment }) {
  const { label, color, detail } = shownState(account, useNow());
  const run = useRunNow(account);
  return (
    <>
      <Link href={toAccount(account.id)} className={classes['state']!}>
        <Text span inherit fw={600} style={{ color: `var(--mantine-color-${color}-light-color)` }} data-testid="state">
          {label}
        </Text>
        <span className="truncate">{run ? run.counts : detail}</span>
      </Link>
      {run && <RunBar account={account} run={run} size={3} />}
    </>
  );
}
