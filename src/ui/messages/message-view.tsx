import { useLocation } from 'wouter';
import { MessageDocument } from '../../generated/gql/graphql.ts';
import { useTitle } from '../parts/use-title.ts';
import { toMessage } from '../paths.ts';
import { useShownQuery } from '../shell/show-query.tsx';
import { MessagePane } from './message-pane.tsx';
import classes from './messages.module.css';

/** One message at its own URL. */
export default function MessageView({ messageId }: { messageId: string }) {
  const [, navigate] = useLocation();
  useTitle('Message');
  useShownQuery(MessageDocument, { id: messageId });
  return (
    <div className={classes['alone']}>
      <MessagePane messageId={messageId} onOpen={(id) => navigate(toMessage(id))} />
    </div>
  );
}
