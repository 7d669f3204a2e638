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

/** Queries and mutations by POST, with the session's cookie; subscriptions by the one WebSocket. */
export const client = createClient({
  url: '/graphql',
  preferGetMethod: false,
  fetchOptions: { headers: { accept: 'application/json' } },
  // What is known is shown at once, and asked anew: pages that were left must not come back as they were.
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

/** The stable code of an answer's first error (docs/errors.md); null when there was no answer. */
export function codeOf(error: CombinedError | undefined): string | null {
  const code = error?.graphQLErrors[0]?.extensions['code'];
  return typeof code === 'string' ? code : null;
}

/** What to tell a person of a question that got no answer: views ask it again when the connection is back. */
export const sentenceOf = (error: CombinedError): string =>
  error.graphQLErrors[0]?.message ?? 'Mailtide cannot be reached. This is asked again when it is back.';

/** What to tell a person of something to be done: it is not sent twice, and it may have arrived although no answer did. */
export const whyNotDone = (error: CombinedError): string =>
  error.graphQLErrors[0]?.message ??
  'Mailtide cannot be reached. Whether this was still done is not known: look when it is back, and try again if not.';

export type { AnyVariables };
