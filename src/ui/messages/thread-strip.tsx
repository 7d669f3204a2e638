import { useQuery } from 'urql';
import { ThreadMessagesDocument } from '../../generated/gql/graphql.ts';
import { number } from '../parts/format.ts';
import { shortDate, shortName } from './format.ts';
import type { WholeMessage } from './message-pane.tsx';
import classes from './messages.module.css';

/** The other messages of a thread, newest first. */
export function ThreadStrip({ message, onOpen }: { message: WholeMessage; onOpen: (id: string) => void }) {
  const { id: threadId, messageCount } = message.thread;
  const [{ data }] = useQuery({ query: ThreadMessagesDocument, variables: { threadId } });
  const edges = data?.messages.edges ?? [];
  return (
    <details className={classes['thread']}>
      <summary>{number(messageCount)} messages in this thread</summary>
      <ul>
        {edges.map(({ node }) => (
          <li key={node.id}>
            <button
              type="button"
              aria-current={node.id === message.id || undefined}
              onClick={() => node.id !== message.id && onOpen(node.id)}
            >
              <strong className="truncate">{shortName(node.from[0] ?? {})}</strong>
              <span className="truncate">{node.snippet || node.subject}</span>
              <time dateTime={node.receivedAt}>{shortDate(node.receivedAt)}</time>
            </button>
          </li>
        ))}
      </ul>
      {data?.messages.pageInfo.hasNextPage && <small>The newest {edges.length} are listed.</small>}
    </details>
  );
}
