import { useCallback, useEffect, useState } from 'react';
import { type CombinedError, useClient } from 'urql';
import { MailboxesDocument, type MailboxesQuery } from '../../generated/gql/graphql.ts';
import { useStatusChanges } from '../api/activity.ts';
import { useReconnected } from '../api/connection.ts';

export type Mailbox = NonNullable<MailboxesQuery['emailAccount']>['mailboxes']['edges'][number]['node'];

const PAGE = 100;

/** All mailboxes of an account: a tree cannot be shown by pages. Asked anew when a run begins or ends. */
export function useMailboxes(accountId: string): { rows?: Mailbox[]; error?: CombinedError; refetch: () => void } {
  const client = useClient();
  const [state, setState] = useState<{ rows?: Mailbox[]; error?: CombinedError }>({});

  const refetch = useCallback(() => {
    void (async () => {
      const rows: Mailbox[] = [];
      let after: string | null = null;
      do {
        const variables = { accountId, first: PAGE, after };
        const answer: { data?: MailboxesQuery; error?: CombinedError } = await client
          .query(MailboxesDocument, variables, { requestPolicy: 'network-only' })
          .toPromise();
        if (!answer.data)
          return setState((before) => ({ ...before, ...(answer.error ? { error: answer.error } : {}) }));
        const page: NonNullable<MailboxesQuery['emailAccount']>['mailboxes'] | undefined =
          answer.data.emailAccount?.mailboxes;
        rows.push(...(page?.edges ?? []).map(({ node }) => node));
        after = page?.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
      } while (after !== null);
      setState({ rows });
    })();
  }, [client, accountId]);

  useEffect(refetch, [refetch]);
  useReconnected(refetch);
  useStatusChanges(useCallback((changed) => void (changed === accountId && refetch()), [accountId, refetch]));
  return { ...state, refetch };
}
