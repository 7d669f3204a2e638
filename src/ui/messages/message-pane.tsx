import { ActionIcon, Alert, SegmentedControl, Text, Title } from '@mantine/core';
import { useCallback, useEffect, useState } from 'react';
import { useQuery } from 'urql';
import { MessageDocument } from '../../generated/gql/graphql.ts';
import { useStatusChanges } from '../api/activity.ts';
import { sentenceOf } from '../api/client.ts';
import { useReconnected } from '../api/connection.ts';
import { useClamped } from '../parts/clamped.tsx';
import { count } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { Failure, Loading, NotFound } from '../parts/states.tsx';
import { isLost } from '../parts/view-title.tsx';
import { Attachments } from './attachments.tsx';
import { HtmlFrame } from './html-frame.tsx';
import { MessageHeader } from './message-header.tsx';
import { MessageHistory } from './message-history.tsx';
import { MessageSource } from './message-source.tsx';
import { MessageText } from './message-text.tsx';
import classes from './messages.module.css';
import { ThreadLines } from './thread-lines.tsx';
import { type Thread, useThread } from './use-thread.ts';
import type { WholeMessage } from './whole-message.ts';

interface Props {
  readonly messageId: string;
  readonly onOpen: (id: string) => void;
  /** Returns to the list. Absent if there is none. */
  readonly onClose?: () => void;
}

/** One message, and the others of its thread before and after it. */
export function MessagePane({ messageId, onOpen, onClose }: Props) {
  const [{ data, error, fetching }, ask] = useQuery({ query: MessageDocument, variables: { id: messageId } });
  const message = data?.message;
  // A sync may change flags and mailboxes.
  const accountId = message?.account.id;
  const refetch = useCallback(() => ask({ requestPolicy: 'network-only' }), [ask]);
  useStatusChanges(useCallback((changed) => void (changed === accountId && refetch()), [accountId, refetch]));
  useReconnected(refetch);
  if (!message) {
    return (
      <>
        {onClose && <BackToList onClose={onClose} />}
        {error ? (
          <Failure error={error} retry={refetch} />
        ) : fetching || !data ? (
          <Loading what="Loading the message" />
        ) : (
          <NotFound isView={!onClose} />
        )}
      </>
    );
  }
  return <Conversation message={message} onOpen={onOpen} {...(onClose && { onClose })} />;
}

/** For screens too small to show the list and the message side by side. */
function BackToList({ onClose }: { onClose: () => void }) {
  return (
    <ActionIcon
      className={classes['back']}
      variant="subtle"
      color="gray"
      aria-label="Back to the list"
      onClick={onClose}
    >
      <Icon name="back" />
    </ActionIcon>
  );
}

function Conversation({ message, onOpen, onClose }: Omit<Props, 'messageId'> & { message: WholeMessage }) {
  const thread = useThread(message);
  return (
    <article className={classes['message']} aria-label={message.subject || 'No subject'}>
      <div className={classes['head']}>
        {onClose && <BackToList onClose={onClose} />}
        <Subject subject={message.subject} order={onClose ? 2 : 1} />
        {message.thread.messageCount > 1 && (
          <>
            <Text size="xs" className={classes['quiet']}>
              {count(message.thread.messageCount, 'message')} in this thread
            </Text>
            <Earlier thread={thread} onOpen={onOpen} />
          </>
        )}
        <MessageHeader message={message} />
        <Attachments message={message} />
        {message.headersOnly && (
          <Alert color="yellow" variant="light" p="xs">
            This message is larger than this installation stores, so only its header is stored.
          </Alert>
        )}
        {message.parseError && !message.headersOnly && (
          <Alert color="yellow" variant="light" p="xs">
            Part of this message could not be parsed ({message.parseError}). The source is complete.
          </Alert>
        )}
      </div>
      <MessageParts message={message} />
      <div className={classes['later']}>
        <ThreadLines label="Later in this thread" lines={thread.later} onOpen={onOpen} />
      </div>
    </article>
  );
}

/** Beside the list, the view has its own title, so the subject is a second-level heading. */
function Subject({ subject, order }: { subject: string | null; order: 1 | 2 }) {
  const { ref, showAll, ...clamped } = useClamped<HTMLHeadingElement>(3);
  // The control that led here may be gone. If the list is still shown, it keeps the focus.
  useEffect(() => {
    if (isLost(document.activeElement)) ref.current?.focus({ preventScroll: true });
  }, [ref]);
  return (
    <div>
      <Title order={order} className={classes['title']} ref={ref} tabIndex={-1} dir="auto" {...clamped}>
        {subject || 'No subject'}
      </Title>
      {showAll}
    </div>
  );
}

function Earlier({ thread, onOpen }: { thread: Thread; onOpen: Props['onOpen'] }) {
  const { earlier, more, showMore, error } = thread;
  return (
    <ThreadLines label="Earlier in this thread" lines={earlier} onOpen={onOpen}>
      {more > 0 && (
        <button type="button" className={classes['further']} onClick={showMore}>
          {error ? `${sentenceOf(error)} Try again` : count(more, 'more message')}
        </button>
      )}
    </ThreadLines>
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
        <kbd>j</kbd> <kbd>k</kbd> move · <kbd>Enter</kbd> opens · <kbd>Esc</kbd> closes · <kbd>/</kbd> searches
      </Text>
    </div>
  );
}
