import { useCallback, useEffect, useMemo, useRef, useSyncExternalStore } from 'react';
import { type Client, useClient } from 'urql';
import {
  MessagesDocument,
  type MessagesQuery,
  type MessagesQueryVariables,
  SyncProgressDocument,
} from '../../generated/gql/graphql.ts';
import { useReconnected } from '../api/connection.ts';
import { isOfThreads, type MessageFilter } from './filter.ts';
import { createMessagePager, type PagerState } from './message-pager.ts';

export type MessageRow = MessagesQuery['messages']['edges'][number] & { readonly key: string };

const PAGE = 100;
/** A sync that stores hundreds of messages a second is followed a few times a second. */
const REFRESH_AFTER_MS = 400;

export function messagesVariables(accountId: string, filter: MessageFilter): MessagesQueryVariables {
  return {
    accountId,
    first: PAGE,
    collapseThreads: isOfThreads(filter),
    isSearch: filter.search.trim() !== '',
    terms: filter.search,
    ...(filter.mailboxId ? { mailboxId: filter.mailboxId } : {}),
    ...(filter.search.trim() ? { search: filter.search } : {}),
    ...(filter.unread ? { unread: true } : {}),
    ...(filter.flagged ? { flagged: true } : {}),
  };
}

export interface Messages extends PagerState<MessageRow> {
  /** The rows are still those of the filter before. */
  readonly isStale: boolean;
  /** Another one with every filter whose rows are shown. */
  readonly list: object;
  readonly loadMore: () => void;
}

/**
 * The list of a filter, kept up to date by what the syncs of the account tell: nothing is asked as long as nothing
 * happens. `firstShown` says which row is at the top of what is seen.
 */
export function useMessages(accountId: string, filter: MessageFilter, firstShown: () => number): Messages {
  const client = useClient();
  const { mailboxId, search, unread, flagged } = filter;
  const pager = useMemo(() => {
    const variables = messagesVariables(accountId, { mailboxId, search, unread, flagged });
    return createMessagePager<MessageRow>(async (after) => {
      const context = { requestPolicy: 'network-only' as const };
      const { data, error } = await client.query(MessagesDocument, { ...variables, after }, context).toPromise();
      if (!data) throw error!;
      const { edges, pageInfo } = data.messages;
      const keyOf = ({ id, thread }: MessageRow['node']) => (variables.collapseThreads ? thread.id : id);
      return { edges: edges.map((edge) => ({ ...edge, key: keyOf(edge.node) })), hasNextPage: pageInfo.hasNextPage };
    });
  }, [client, accountId, mailboxId, search, unread, flagged]);
  const state = useSyncExternalStore(pager.subscribe, pager.state);
  const settled = useRef({ state, list: pager });
  if (state.status !== 'LOADING') settled.current = { state, list: pager };

  useEffect(() => pager.loadMore(), [pager]);
  useReconnected(useCallback(() => void pager.refreshAll(), [pager]));

  const current = useRef(pager);
  current.current = pager;
  useEffect(
    () =>
      followSyncs(client, accountId, (isOver) =>
        isOver ? current.current.refreshAll() : current.current.refresh(firstShown()),
      ),
    [client, accountId, firstShown],
  );

  const isStale = state.status === 'LOADING' && settled.current.state.rows.length > 0;
  const shown = isStale ? settled.current : { state, list: pager };
  return { ...shown.state, list: shown.list, isStale, loadMore: pager.loadMore };
}

/**
 * Calls `refresh` when a sync of the account has changed messages, one call at a time, with `isOver` when the run has
 * ended. Answers how to stop.
 */
function followSyncs(client: Client, accountId: string, refresh: (isOver: boolean) => Promise<void>): () => void {
  let seen: string | null = null;
  let isPending = false;
  let isOver = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function run(): Promise<void> {
    const over = isOver;
    isPending = isOver = false;
    await refresh(over);
    timer = isPending ? setTimeout(run, REFRESH_AFTER_MS) : undefined;
  }

  const subscription = client.subscription(SyncProgressDocument, { accountId }).subscribe(({ data }) => {
    if (!data) return;
    const { runId, status, stats } = data.syncProgress;
    const changes = stats.messagesCreated + stats.messagesUpdated + stats.messagesDeleted;
    const told = `${runId} ${changes} ${status}`;
    if (changes === 0 || told === seen) return;
    // What the first one tells of may have happened while the list was on its way; most likely it was long ago.
    isOver ||= seen !== null && status !== 'RUNNING';
    seen = told;
    isPending = true;
    timer ??= setTimeout(run, REFRESH_AFTER_MS);
  });
  return () => {
    clearTimeout(timer);
    subscription.unsubscribe();
  };
}
