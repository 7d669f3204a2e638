import { useState } from 'react';
import { type CombinedError, useClient } from 'urql';
import { EarlierInThreadDocument, type ThreadPageFragment } from '../../generated/gql/graphql.ts';
import type { WholeMessage } from './message-pane.tsx';

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
  const client = useClient();
  const [isWhole, setWhole] = useState(false);
  const [pages, setPages] = useState<readonly ThreadPageFragment[]>([]);
  const [error, setError] = useState<CombinedError | null>(null);

  const lines = [...pages, thread.messages].flatMap(({ edges }) => edges.map(({ node }) => node));
  const at = lines.findIndex((line) => line.id === id);
  // It is older than what has come, or deleted, when it is not among them. Times are written alike.
  const before = at < 0 ? lines.filter((line) => line.receivedAt <= receivedAt) : lines.slice(0, at);
  const later = at < 0 ? lines.slice(before.length) : lines.slice(at + 1);
  const earlier = isWhole ? before : before.slice(-FEW);
  const { pageInfo } = pages[0] ?? thread.messages;

  async function loadMore(): Promise<void> {
    const variables = { id, before: pageInfo.startCursor! };
    const answer = await client.query(EarlierInThreadDocument, variables).toPromise();
    const page = answer.data?.message?.thread.messages;
    setError(page ? null : (answer.error ?? null));
    if (page) setPages([page, ...pages]);
  }

  return {
    earlier,
    later,
    more: before.length - earlier.length + (pageInfo.hasPreviousPage ? unloaded(thread.messageCount, lines, at) : 0),
    showMore() {
      if (earlier.length === before.length) void loadMore();
      setWhole(true);
    },
    error,
  };
}

/** The open one is no further one. What came or went while pages were read is nothing to be exact about. */
const unloaded = (messageCount: number, lines: readonly ThreadLine[], at: number): number =>
  Math.max(1, messageCount - lines.length - (at < 0 ? 1 : 0));
