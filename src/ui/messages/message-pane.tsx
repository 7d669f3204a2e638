import { ActionIcon, Alert, SegmentedControl, Text } from '@mantine/core';
import { useCallback, useState } from 'react';
import { useQuery } from 'urql';
import { MessageDocument, type MessageQuery } from '../../generated/gql/graphql.ts';
import { useStatusChanges } from '../api/activity.ts';
import { Icon } from '../parts/icons.tsx';
import { Failure, Loading, NotFound } from '../parts/states.tsx';
import { Attachments } from './attachments.tsx';
import { HtmlFrame } from './html-frame.tsx';
import { MessageHeader } from './message-header.tsx';
import { MessageHistory } from './message-history.tsx';
import { MessageSource } from './message-source.tsx';
import { MessageText } from './message-text.tsx';
import classes from './messages.module.css';
import { ThreadStrip } from './thread-strip.tsx';

export type WholeMessage = NonNullable<MessageQuery['message']>;

interface Props {
  readonly messageId: string;
  readonly onOpen: (id: string) => void;
  /** Where there is a list to go back to. */
  readonly onClose?: () => void;
}

/** One message. */
export function MessagePane({ messageId, onOpen, onClose }: Props) {
  const [{ data, error, fetching }, ask] = useQuery({ query: MessageDocument, variables: { id: messageId } });
  const message = data?.message;
  // Flags and places are as of the last sync.
  const accountId = message?.account.id;
  useStatusChanges(
    useCallback((changed) => void (changed === accountId && ask({ requestPolicy: 'network-only' })), [accountId, ask]),
  );
  if (!message) {
    if (error) return <Failure error={error} retry={() => ask({ requestPolicy: 'network-only' })} />;
    return fetching || !data ? <Loading what="Loading the message" /> : <NotFound />;
  }
  return (
    <article className={classes['message']} aria-label={message.subject || 'No subject'}>
      <div className={classes['head']}>
        {onClose && (
          <ActionIcon
            className={classes['back']}
            variant="subtle"
            color="gray"
            aria-label="Back to the list"
            onClick={onClose}
          >
            <Icon name="back" />
          </ActionIcon>
        )}
        <MessageHeader message={message} />
        {message.thread.messageCount > 1 && <ThreadStrip message={message} onOpen={onOpen} />}
        <Attachments message={message} />
        {message.headersOnly && (
          <Alert color="yellow" variant="light" p="xs">
            This message is larger than this installation stores: only its header is here.
          </Alert>
        )}
        {message.parseError && !message.headersOnly && (
          <Alert color="yellow" variant="light" p="xs">
            Not all of it could be read ({message.parseError}). The source is complete.
          </Alert>
        )}
      </div>
      <MessageParts message={message} />
    </article>
  );
}

const PARTS = { html: 'HTML', text: 'Text', source: 'Source', history: 'History' } as const;
type Part = keyof typeof PARTS;

function MessageParts({ message }: { message: WholeMessage }) {
  const [part, setPart] = useState<Part>(message.htmlUrl ? 'html' : 'text');
  const parts = (Object.keys(PARTS) as Part[]).filter((one) => one !== 'html' || message.htmlUrl);
  return (
    <>
      <div className={classes['tools']}>
        <SegmentedControl
          size="xs"
          aria-label="Show the message as"
          value={part}
          onChange={(value) => setPart(value as Part)}
          data={parts.map((value) => ({ value, label: PARTS[value] }))}
        />
      </div>
      {part === 'html' && <HtmlFrame url={message.htmlUrl!} hasRemoteImages={message.hasRemoteImages} />}
      {part === 'text' && <MessageText text={message.text} />}
      {part === 'source' && <MessageSource url={message.sourceUrl} size={message.size} />}
      {part === 'history' && <MessageHistory message={message} />}
    </>
  );
}

export function NothingOpen() {
  return (
    <div className={classes['nothing']}>
      <Icon name="mail" size={40} />
      <Text size="sm">Open a message to read it</Text>
      <Text size="xs" component="div" visibleFrom="sm">
        <kbd>j</kbd> <kbd>k</kbd> walk · <kbd>Enter</kbd> opens · <kbd>Esc</kbd> closes · <kbd>/</kbd> searches
      </Text>
    </div>
  );
}
