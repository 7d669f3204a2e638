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
/** Delay between refreshes during a sync, which may store hundreds of messages per second. */
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
  /** The rows still belong to the previous filter. */
  readonly isStale: boolean;
  /** Identifies the list: a new object for each filter whose rows are shown. */
  readonly list: object;
  readonly loadMore: () => void;
}

/**
 * Returns the list of a filter. The progress of the account's syncs triggers updates, so nothing is requested while
 * nothing happens. `firstShown` returns the index of the first visible row.
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
 * Calls `refresh` when a sync of the account has changed messages, one call at a time, with `isOver` once the run has
 * ended. Returns a function that stops it.
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
    // The changes in the first frame may be newer than the list, but are most likely much older.
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
