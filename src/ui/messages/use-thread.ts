import { useCallback, useEffect, useState } from 'react';
import { type Client, type CombinedError, useClient } from 'urql';
import { EarlierInThreadDocument, type ThreadPageFragment } from '../../generated/gql/graphql.ts';
import { useReconnected } from '../api/connection.ts';
import type { WholeMessage } from './whole-message.ts';

export type ThreadLine = ThreadPageFragment['edges'][number]['node'];

export interface Thread {
  /** The messages shown before the open one, oldest first. */
  readonly earlier: readonly ThreadLine[];
  readonly later: readonly ThreadLine[];
  /** How many earlier messages are not shown. */
  readonly more: number;
  readonly showMore: () => void;
  readonly error: CombinedError | null;
}

/** Earlier messages shown at first. The open message is what the user wants to see. */
const FEW = 3;

/** The thread around a message. Its newest messages come with the message's query, earlier ones page by page. */
export function useThread({ id, receivedAt, thread }: WholeMessage): Thread {
  const [isWhole, setWhole] = useState(false);
  const { pages, error, loadMore } = useEarlier(id, thread.messages);

  const lines = linesOf([...pages, thread.messages]);
  const at = lines.findIndex((line) => line.id === id);
  // A message that is not in the list is older than all loaded pages, or deleted. Times compare as text.
  const before = at < 0 ? lines.filter((line) => line.receivedAt <= receivedAt) : lines.slice(0, at);
  const later = at < 0 ? lines.slice(before.length) : lines.slice(at + 1);
  const earlier = isWhole ? before : before.slice(-FEW);
  const { pageInfo } = pages[0] ?? thread.messages;

  return {
    earlier,
    later,
    more: before.length - earlier.length + (pageInfo.hasPreviousPage ? unloaded(thread.messageCount, lines, at) : 0),
    showMore() {
      if (earlier.length === before.length) loadMore();
      setWhole(true);
    },
    error,
  };
}

/** Joins pages. If messages were added or deleted meanwhile, two pages may contain the same one. */
const linesOf = (pages: readonly ThreadPageFragment[]): ThreadLine[] => [
  ...new Map(pages.flatMap(({ edges }) => edges).map(({ node }) => [node.id, node])).values(),
];

/** Estimates how many messages are not loaded, without the open one. Changes while pages load make it inexact. */
const unloaded = (messageCount: number, lines: readonly ThreadLine[], at: number): number =>
  Math.max(1, messageCount - lines.length - (at < 0 ? 1 : 0));

/** The pages before the newest, oldest first. They are reread with the newest: after a sync or a reconnect. */
function useEarlier(id: string, newest: ThreadPageFragment) {
  const client = useClient();
  const [pages, setPages] = useState<readonly ThreadPageFragment[]>([]);
  const [error, setError] = useState<CombinedError | null>(null);
  const shown = pages.length;

  const loadMore = useCallback(async () => {
    const read = await readBefore(client, id, pages[0] ?? newest, 1);
    setError(read.error);
    setPages([...read.pages, ...pages]);
  }, [client, id, pages, newest]);

  // `shown` is not a dependency: loading a page must not reread the others.
  useEffect(() => {
    if (shown === 0) return;
    let isCurrent = true;
    void readBefore(client, id, newest, shown).then((read) => {
      if (!isCurrent || read.error) return;
      // The user may have loaded another page meanwhile.
      setPages((now) => [...now.slice(0, now.length - shown), ...read.pages]);
    });
    return () => {
      isCurrent = false;
    };
  }, [client, id, newest]);

  useReconnected(useCallback(() => void (error?.networkError && loadMore()), [error, loadMore]));
  return { pages, error, loadMore: () => void loadMore() };
}

/** Reads `howMany` pages towards the beginning of the thread, or as many as exist. */
async function readBefore(client: Client, id: string, from: ThreadPageFragment, howMany: number) {
  let pages: readonly ThreadPageFragment[] = [];
  let { pageInfo } = from;
  while (pages.length < howMany && pageInfo.hasPreviousPage) {
    const variables = { id, before: pageInfo.startCursor! };
    const answer = await client
      .query(EarlierInThreadDocument, variables, { requestPolicy: 'network-only' })
      .toPromise();
    const page = answer.data?.message?.thread.messages;
    if (!page) return { pages, error: answer.error ?? null };
    pages = [page, ...pages];
    pageInfo = page.pageInfo;
  }
  return { pages, error: null };
}
