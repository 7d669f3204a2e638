import { useCallback, useEffect, useState } from 'react';
import { type Client, type CombinedError, useClient } from 'urql';
import { EarlierInThreadDocument, type ThreadPageFragment } from '../../generated/gql/graphql.ts';
import { useReconnected } from '../api/connection.ts';
import type { WholeMessage } from './whole-message.ts';

export type ThreadLine = ThreadPageFragment['edges'][number]['node'];

export interface Thread {
  /** What is shown before the message that is open, oldest first, and after it. */
  readonly earlier: readonly ThreadLine[];
  readonly later: readonly ThreadLine[];
  /** How many more there are. */
  readonly more: number;
  readonly showMore: () => void;
  readonly error: CombinedError | null;
}

/** Of what came before, at first: the open message is what one wants to see. */
const FEW = 3;

/** The conversation around a message. The newest of it come with the message, earlier ones page by page. */
export function useThread({ id, receivedAt, thread }: WholeMessage): Thread {
  const [isWhole, setWhole] = useState(false);
  const { pages, error, loadMore } = useEarlier(id, thread.messages);

  const lines = linesOf([...pages, thread.messages]);
  const at = lines.findIndex((line) => line.id === id);
  // It is older than what has come, or deleted, when it is not among them. Times are written alike.
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

/** Where messages came or went, two pages may have the same one. */
const linesOf = (pages: readonly ThreadPageFragment[]): ThreadLine[] => [
  ...new Map(pages.flatMap(({ edges }) => edges).map(({ node }) => [node.id, node])).values(),
];

/** The open one is no further one. What came or went while pages were read is nothing to be exact about. */
const unloaded = (messageCount: number, lines: readonly ThreadLine[], at: number): number =>
  Math.max(1, messageCount - lines.length - (at < 0 ? 1 : 0));

/** The pages before the newest, oldest first. They are read anew when the newest was: after a sync, and a break. */
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

  // A page more is no reason to read the others anew.
  useEffect(() => {
    if (shown === 0) return;
    let isCurrent = true;
    void readBefore(client, id, newest, shown).then((read) => {
      if (!isCurrent || read.error) return;
      // Somebody may have asked for another one meanwhile.
      setPages((now) => [...now.slice(0, now.length - shown), ...read.pages]);
    });
    return () => {
      isCurrent = false;
    };
  }, [client, id, newest]);

  useReconnected(useCallback(() => void (error?.networkError && loadMore()), [error, loadMore]));
  return { pages, error, loadMore: () => void loadMore() };
}

/** Page by page towards the beginning of the thread: `howMany` of them, or as far as it goes. */
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
