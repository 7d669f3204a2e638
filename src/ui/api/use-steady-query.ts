import { useCallback } from 'react';
import { type AnyVariables, type UseQueryArgs, type UseQueryState, useQuery } from 'urql';
import { useReconnected } from './connection.ts';

/** A query that its view repeats when needed. It repeats automatically only if it failed and the connection is back. */
export function useSteadyQuery<Data, Variables extends AnyVariables>(
  asked: UseQueryArgs<Variables, Data>,
): UseQueryState<Data, Variables> & { readonly refetch: () => void } {
  const [result, ask] = useQuery(asked);
  const refetch = useCallback(() => ask({ requestPolicy: 'network-only' }), [ask]);
  const hasFailed = result.error !== undefined;
  useReconnected(useCallback(() => hasFailed && refetch(), [hasFailed, refetch]));
  return { ...result, refetch };
}
