import type { ReactNode } from 'react';
import { isUnread } from './flags.ts';
import { shortDate, shortName, wholeDate } from './format.ts';
import classes from './messages.module.css';
import type { ThreadLine } from './use-thread.ts';

interface Props {
  readonly label: string;
  readonly lines: readonly ThreadLine[];
  readonly onOpen: (id: string) => void;
  /** Above the lines. */
  readonly children?: ReactNode;
}

/** Other messages of the thread, one per line. A click opens the message. */
export function ThreadLines({ label, lines, onOpen, children }: Props) {
  if (lines.length === 0 && !children) return null;
  return (
    <ul className={classes['thread']} aria-label={label}>
      {children && <li>{children}</li>}
      {lines.map(({ id, from, snippet, receivedAt, locations }) => (
        <li key={id}>
          <button type="button" data-unread={isUnread(locations, null) || undefined} onClick={() => onOpen(id)}>
            <strong className="truncate">
              <bdi>{shortName(from[0] ?? {})}</bdi>
            </strong>
            <span className="truncate" dir="auto">
              {snippet}
            </span>
            <time dateTime={receivedAt} title={wholeDate(receivedAt)}>
              {shortDate(receivedAt)}
            </time>
          </button>
        </li>
      ))}
    </ul>
  );
}
