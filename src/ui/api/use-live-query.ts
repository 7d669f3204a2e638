import { useCallback, useEffect, useRef } from 'react';
import { type AnyVariables, type TypedDocumentNode, useQuery } from 'urql';
import { useStatusChanges } from './activity.ts';
import { useReconnected } from './connection.ts';

/** Runs of many accounts begin and end together: they are asked for together. */
const TOGETHER_MS = 120;

export interface LiveQuery<Data, Variables extends AnyVariables> {
  readonly query: TypedDocumentNode<Data, Variables>;
  readonly variables: Variables;
  /** Whose runs matter; all accounts' when absent. */
  readonly accountId?: string;
  readonly pause?: boolean;
}

/** An empty list names no type by which the cache would know that a mutation concerns it. */
const CONTEXT = { additionalTypenames: ['EmailAccount'] };

/**
 * A query that is asked again by itself when its answer may be another one: a run's status changed, the connection was
 * lost meanwhile, the page is looked at again. Nothing is asked at intervals.
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
