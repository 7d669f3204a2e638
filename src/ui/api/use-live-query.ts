import { useCallback, useEffect, useRef } from 'react';
import { type AnyVariables, type TypedDocumentNode, useQuery } from 'urql';
import { useStatusChanges } from './activity.ts';
import { useReconnected } from './connection.ts';

/** Combines changes within this time into one query, because the runs of many accounts begin and end together. */
const TOGETHER_MS = 120;

export interface LiveQuery<Data, Variables extends AnyVariables> {
  readonly query: TypedDocumentNode<Data, Variables>;
  readonly variables: Variables;
  /** The account whose runs matter; all accounts if absent. */
  readonly accountId?: string;
  readonly pause?: boolean;
}

/** An empty list contains no type, so the cache would not know that a mutation affects it. */
const CONTEXT = { additionalTypenames: ['EmailAccount'] };

/**
 * A query that repeats automatically when its answer may have changed: a run's status changed, the connection is back,
 * or the page becomes visible again. It never polls.
 */
export function useLiveQuery<Data, Variables extends AnyVariables>(options: LiveQuery<Data, Variables>) {
  const { query, variables, accountId, pause = false } = options;
  const [result, ask] = useQuery({ query, variables, pause, context: CONTEXT });
  const waiting = useRef<ReturnType<typeof setTimeout>>(undefined);

  const refetch = useCallback(() => {
    if (!pause) ask({ ...CONTEXT, requestPolicy: 'network-only' });
  }, [ask, pause]);
  const refetchSoon = useCallback(() => {
    clearTimeout(waiting.current);
    waiting.current = setTimeout(refetch, TOGETHER_MS);
  }, [refetch]);

  useStatusChanges(
    useCallback(
      (changed) => (accountId === undefined || changed === accountId) && refetchSoon(),
      [accountId, refetchSoon],
    ),
  );
  useReconnected(refetchSoon);
  useEffect(() => {
    const onVisible = () => document.visibilityState === 'visible' && refetchSoon();
    document.addEventListener('visibilitychange', onVisible);
    return () => {
      document.removeEventListener('visibilitychange', onVisible);
      clearTimeout(waiting.current);
    };
  }, [refetchSoon]);

  return { ...result, refetch };
}
