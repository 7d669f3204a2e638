import {
  type AnyVariables,
  type CombinedError,
  cacheExchange,
  createClient,
  fetchExchange,
  mapExchange,
  subscriptionExchange,
} from 'urql';
import { socketClient } from './connection.ts';
import { sessionEnded } from './session.ts';

/** Sends queries and mutations by POST with the session's cookie, and subscriptions over the WebSocket. */
export const client = createClient({
  url: '/graphql',
  preferGetMethod: false,
  fetchOptions: { headers: { accept: 'application/json' } },
  // Shows the cached answer at once and requests a new one, so that a view never returns with old data.
  requestPolicy: 'cache-and-network',
  exchanges: [
    mapExchange({
      onError(error) {
        if (codeOf(error) === 'UNAUTHENTICATED') sessionEnded();
      },
    }),
    cacheExchange,
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: ({ query, variables }) => ({
        subscribe: (sink) => ({
          unsubscribe: socketClient.subscribe(
            { query: query!, variables: variables as Record<string, unknown> },
            sink as never,
          ),
        }),
      }),
    }),
  ],
});

/** Returns the stable code of an answer's first error (docs/errors.md), or null if there was no answer. */
export function codeOf(error: CombinedError | undefined): string | null {
  const code = error?.graphQLErrors[0]?.extensions['code'];
  return typeof code === 'string' ? code : null;
}

/** Returns the sentence for a failed query. Views repeat it once the connection is back. */
export const sentenceOf = (error: CombinedError): string =>
  error.graphQLErrors[0]?.message ?? 'Mailtide cannot be reached. This view reloads once the connection is back.';

/** Returns the sentence for a failed mutation. It may have arrived although no answer did, so it is not repeated. */
export const whyNotDone = (error: CombinedError): string =>
  error.graphQLErrors[0]?.message ??
  'Mailtide cannot be reached, and it is unknown whether this went through. Check once the connection is back, and retry if needed.';

export type { AnyVariables };
