import { ActionIcon, Tooltip } from '@mantine/core';
import { useEffect, useSyncExternalStore } from 'react';
import { stringifyDocument, type TypedDocumentNode } from 'urql';
import { Icon } from '../parts/icons.tsx';

/** The operation behind the current view, for developers who want to send it to the API. */
let shown: string | null = null;
const listeners = new Set<() => void>();

function show(link: string | null): void {
  shown = link;
  for (const listener of listeners) listener();
}

/** Announces the operation of a view. The link in the header opens it in GraphiQL. */
export function useShownQuery<Variables>(document: TypedDocumentNode<unknown, Variables>, variables: Variables): void {
  const link = graphiqlLink(document, variables);
  useEffect(() => {
    show(link);
    return () => show(null);
  }, [link]);
}

export function graphiqlLink<Variables>(document: TypedDocumentNode<unknown, Variables>, variables: Variables): string {
  const search = new URLSearchParams({
    query: stringifyDocument(document),
    variables: JSON.stringify(variables, null, 2),
  });
  return `/graphql?${search.toString()}`;
}

export function ShowQuery() {
  const link = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => shown,
  );
  const label = link ? 'Show the query of this view' : 'Open GraphiQL';
  return (
    <Tooltip label={label}>
      <ActionIcon
        component="a"
        href={link ?? '/graphql'}
        target="_blank"
        rel="noopener"
        variant="subtle"
        color="gray"
        size="lg"
        aria-label={label}
      >
        <Icon name="code" />
      </ActionIcon>
    </Tooltip>
  );
}
