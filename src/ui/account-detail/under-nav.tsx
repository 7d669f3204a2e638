import type { ReactNode } from 'react';
import { Redirect } from 'wouter';
import { type AccountSummaryFragment, EmailAccountDocument } from '../../generated/gql/graphql.ts';
import { wasDeletedHere } from '../account-parts/use-account-actions.ts';
import { codeOf } from '../api/client.ts';
import { useLiveQuery } from '../api/use-live-query.ts';
import { NotFound } from '../parts/states.tsx';
import classes from './account.module.css';
import { AccountNav } from './account-nav.tsx';

interface Props {
  readonly accountId: string;
  /** Gets the account when it has come; what is below need not wait for it. */
  readonly children: (account: AccountSummaryFragment | undefined) => ReactNode;
}

/** The messages of an account below its tabs, as long as there is the account. */
export function UnderNav({ accountId, children }: Props) {
  const { data, error } = useLiveQuery({ query: EmailAccountDocument, variables: { id: accountId }, accountId });
  const account = data?.emailAccount;
  // A service that fails to answer says null as well, and takes nothing away.
  const isGone = account === null && (!error || codeOf(error) === 'NOT_FOUND');
  if (isGone) return wasDeletedHere(accountId) ? <Redirect to="/" replace /> : <NotFound />;
  return (
    <div className={classes['above']}>
      <AccountNav accountId={accountId} part="messages" />
      {children(account ?? undefined)}
    </div>
  );
}
