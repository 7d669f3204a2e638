import { memo, type ReactNode } from 'react';
import { number } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { isFlagged, isUnread } from './flags.ts';
import { shortDate, wholeDate } from './format.ts';
import classes from './messages.module.css';
import { People } from './people.tsx';
import type { MessageRow } from './use-messages.ts';

/** More names than fit in a row. */
const MOST_PEOPLE = 12;

interface Props {
  readonly id: string;
  readonly row: MessageRow;
  readonly mailboxId: string | null;
  /** Offset in the list, in pixels. */
  readonly start: number;
  readonly position: number;
  /** -1 while unknown. */
  readonly total: number;
  readonly isOpen: boolean;
  readonly isActive: boolean;
  readonly onOpen: (row: MessageRow) => void;
}

export const MessageListRow = memo(function MessageListRow(props: Props) {
  const { id, row, mailboxId, start, position, total, isOpen, isActive, onOpen } = props;
  const { node } = row;
  const { highlights, thread } = node;
  const { unreadCount, flaggedCount, messageCount: inThread } = thread;
  // A row of a thread has the counts of the whole thread.
  const unread = unreadCount === undefined ? isUnread(node.locations, mailboxId) : unreadCount > 0;
  const flagged = flaggedCount === undefined ? isFlagged(node.locations, mailboxId) : flaggedCount > 0;
  const people = thread.participants ?? node.from.slice(0, 1);
  return (
    // The list handles the keyboard.
    <div
      id={id}
      role="option"
      tabIndex={-1}
      aria-selected={isOpen}
      aria-posinset={position}
      aria-setsize={total}
      className={classes['row']}
      data-unread={unread || undefined}
      data-active={isActive || undefined}
      style={{ transform: `translateY(${start}px)` }}
      onClick={() => onOpen(row)}
      onKeyDown={undefined}
    >
      <span className={classes['dot']} role="img" aria-label={unread ? 'Unread' : 'Read'} />
      <span className={classes['from']}>
        {highlights ? (
          <bdi>
            <Segments of={highlights.from} />
          </bdi>
        ) : (
          <People of={people} atMost={MOST_PEOPLE} />
        )}
      </span>
      <time className={classes['date']} dateTime={node.receivedAt} title={`Received ${wholeDate(node.receivedAt)}`}>
        {shortDate(node.receivedAt)}
      </time>
      <span className={classes['subject']} dir="auto">
        {highlights && node.subject ? <Segments of={highlights.subject} /> : node.subject || 'No subject'}
      </span>
      <span className={classes['marks']}>
        {inThread > 1 && (
          <span className={classes['count']} title={`${number(inThread)} messages in this thread`}>
            {number(inThread)}
            <span className={classes['hidden']}> messages in this thread</span>
          </span>
        )}
        {node.hasAttachments && <Mark label="Has attachments" icon={<Icon name="clip" size={14} />} />}
        {flagged && (
          <span className={classes['flag']}>
            <Mark label="Flagged" icon={<Icon name="flag" size={14} />} />
          </span>
        )}
      </span>
      <span className={classes['snippet']} dir="auto">
        {highlights ? <Segments of={highlights.excerpt} /> : node.snippet}
      </span>
    </div>
  );
});

function Mark({ label, icon }: { label: string; icon: ReactNode }) {
  return (
    <span role="img" aria-label={label} title={label} className={classes['mark']}>
      {icon}
    </span>
  );
}

function Segments({ of }: { of: readonly { text: string; isMatch: boolean }[] }) {
  // Segments of one text differ only by their position.
  return of.map(({ text, isMatch }, i) => {
    const key = `${i}`;
    return isMatch ? <mark key={key}>{text}</mark> : <span key={key}>{text}</span>;
  });
}
