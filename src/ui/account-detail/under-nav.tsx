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
  /** Receives the account once it is loaded. The content does not need to wait for it. */
  readonly children: (account: AccountSummaryFragment | undefined) => ReactNode;
}

/** The messages of an account below its tabs, as long as the account exists. */
export function UnderNav({ accountId, children }: Props) {
  const { data, error } = useLiveQuery({ query: EmailAccountDocument, variables: { id: accountId }, accountId });
  const account = data?.emailAccount;
  // A failed request also yields null. It does not mean that the account is gone.
  const isGone = account === null && (!error || codeOf(error) === 'NOT_FOUND');
  if (isGone) return wasDeletedHere(accountId) ? <Redirect to="/" replace /> : <NotFound />;
  return (
    <div className={classes['above']}>
      <AccountNav accountId={accountId} part="messages" />
      {children(account ?? undefined)}
    </div>
  );
}
