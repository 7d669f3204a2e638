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

/** Loads all mailboxes of an account, because a tree cannot be paged, and again when a run begins or ends. */
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
      // A later request supersedes this one.
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

/** Like {@link useMailboxes}, and also reloads, at a limited rate, while the frames of a run report progress. */
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
