import { useCallback, useEffect, useRef, useState } from 'react';
import { type CombinedError, useClient } from 'urql';
import { MailboxesDocument, type MailboxesQuery } from '../../generated/gql/graphql.ts';
import { useFrame, useStatusChanges } from '../api/activity.ts';
import { useReconnected } from '../api/connection.ts';
import { type Pace, paced } from './pace.ts';

export type Mailbox = NonNullable<MailboxesQuery['emailAccount']>['mailboxes']['edges'][number]['node'];

export interface Mailboxes {
  readonly rows?: readonly Mailbox[];
  readonly error?: CombinedError;
  readonly refetch: () => Promise<void>;
}

const PAGE = 100;

/** All mailboxes of an account: a tree cannot be shown by pages. Asked anew when a run begins or ends. */
export function useMailboxes(accountId: string): Mailboxes {
  const client = useClient();
  const [state, setState] = useState<Omit<Mailboxes, 'refetch'>>({});
  const asked = useRef(0);

  const refetch = useCallback(async () => {
    asked.current += 1;
    const turn = asked.current;
    const rows: Mailbox[] = [];
    let after: string | null = null;
    do {
      const variables = { accountId, first: PAGE, after };
      const answer: { data?: MailboxesQuery; error?: CombinedError } = await client
        .query(MailboxesDocument, variables, { requestPolicy: 'network-only' })
        .toPromise();
      // Somebody has asked meanwhile, and knows better.
      if (turn !== asked.current) return;
      const { data, error } = answer;
      if (!data) return setState((before) => ({ ...before, ...(error ? { error } : {}) }));
      const page: NonNullable<MailboxesQuery['emailAccount']>['mailboxes'] | undefined = data.emailAccount?.mailboxes;
      rows.push(...(page?.edges ?? []).map(({ node }) => node));
      after = page?.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
    } while (after !== null);
    setState({ rows });
  }, [client, accountId]);

  useEffect(() => void refetch(), [refetch]);
  useReconnected(useCallback(() => void refetch(), [refetch]));
  useStatusChanges(useCallback((changed) => void (changed === accountId && refetch()), [accountId, refetch]));
  return { ...state, refetch };
}

/** The same, and while a run goes on as far as it has come: asked anew, at a bearable pace, when its frames tell of more. */
export function useLiveMailboxes(accountId: string): Mailboxes {
  const mailboxes = useMailboxes(accountId);
  const { refetch } = mailboxes;
  const pace = useRef<Pace>(undefined);
  useEffect(() => {
    const made = paced(refetch);
    pace.current = made;
    return made.stop;
  }, [refetch]);

  const frame = useFrame(accountId);
  const news = frame?.status === 'RUNNING' ? `${frame.runId} ${frame.mailbox} ${frame.messagesProcessed}` : null;
  useEffect(() => {
    if (news !== null) pace.current?.want();
  }, [news]);
  return mailboxes;
}
