import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

/** The public API, as any program can use it: queries and mutations over HTTP, subscriptions over graphql-ws. */
export interface Api {
  readonly url: string;
  readonly key: string;
  ask<Data, Variables>(document: TypedDocumentNode<Data, Variables>, variables: Variables): Promise<Data>;
  subscribe<Data, Variables extends Record<string, unknown>>(
    document: TypedDocumentNode<Data, Variables>,
    variables: Variables,
  ): AsyncIterable<Data>;
}

interface Answer<Data> {
  data?: Data | null;
  errors?: readonly { readonly message: string }[];
}

export function createApi(url: string, key: string): Api {
  const authorization = `Bearer ${key}`;
  const socket = createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization },
    retryAttempts: 0,
  });
  return {
    url,
    key,
    async ask(document, variables) {
      const response = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization },
        body: JSON.stringify({ query: print(document), variables }),
      });
      return dataOf((await response.json()) as Answer<never>);
    },
    async *subscribe<Data, Variables extends Record<string, unknown>>(
      document: TypedDocumentNode<Data, Variables>,
      variables: Variables,
    ) {
      try {
        for await (const answer of socket.iterate<Data>({ query: print(document), variables })) {
          yield dataOf<Data>(answer as Answer<Data>);
        }
      } catch (error) {
        // A socket that closes reports its CloseEvent as the error.
        throw error instanceof Error ? error : new Error('the subscription broke off', { cause: error });
      }
    },
  };
}

function dataOf<Data>({ data, errors }: Answer<Data>): Data {
  if (errors?.[0]) throw new Error(errors[0].message);
  return data!;
}
