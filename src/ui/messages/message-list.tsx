import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, type RefObject, useEffect, useLayoutEffect, useRef } from 'react';
import type { AccountSummaryFragment } from '../../generated/gql/graphql.ts';
import { sentenceOf } from '../api/client.ts';
import { Empty, Loading } from '../parts/states.tsx';
import { isFiltered, type MessageFilter, widerBy } from './filter.ts';
import { MessageListRow } from './message-list-row.tsx';
import classes from './messages.module.css';
import type { MessageRow, Messages } from './use-messages.ts';

/** In pixels, as in messages.module.css. All rows have the same height, so that none needs measuring. */
export const ROW_HEIGHT = 76;
/** The next page is requested this many rows before the end. */
const AHEAD = 30;

interface Props {
  readonly messages: Messages;
  readonly filter: MessageFilter;
  readonly account: AccountSummaryFragment | undefined;
  /** The row of the open message. */
  readonly openKey: string | null;
  /** The row that the keyboard has selected. */
  readonly activeKey: string | null;
  readonly listRef: RefObject<HTMLDivElement | null>;
  readonly onKeyDown: (event: KeyboardEvent) => void;
  readonly onFocus: () => void;
  readonly onOpen: (row: MessageRow) => void;
  readonly onScroll: (firstShown: number) => void;
}

/** The list: a listbox that renders only the visible rows. */
export function MessageList(props: Props) {
  const { messages, filter, openKey, activeKey, listRef, onOpen } = props;
  const { rows, hasMore, status, loadMore } = messages;
  const virtualizer = useVirtualizer({
    count: rows.length + (hasMore ? 1 : 0),
    getScrollElement: () => listRef.current,
    estimateSize: () => ROW_HEIGHT,
    getItemKey: (index) => rows[index]?.key ?? 'more',
    overscan: 8,
  });
  const items = virtualizer.getVirtualItems();
  const lastShown = items.at(-1)?.index ?? 0;

  useEffect(() => {
    if (hasMore && status === 'READY' && lastShown >= rows.length - AHEAD) loadMore();
  }, [hasMore, status, lastShown, rows.length, loadMore]);

  useKeptPlace(messages, listRef, props.onScroll);

  const activeIndex = activeKey === null ? -1 : rows.findIndex(({ key }) => key === activeKey);
  const wasAt = useRef<string | null>(null);
  useEffect(() => {
    // Scrolls when the keyboard moves, not when the list changes under it.
    if (activeIndex >= 0 && wasAt.current !== activeKey) virtualizer.scrollToIndex(activeIndex, { align: 'auto' });
    wasAt.current = activeKey;
  }, [activeKey, activeIndex, virtualizer]);

  if (rows.length === 0) return <Nothing {...props} />;
  return (
    <div
      ref={listRef}
      className={classes['list']}
      role="listbox"
      tabIndex={0}
      aria-label="Messages"
      aria-busy={messages.isStale}
      aria-activedescendant={activeIndex >= 0 ? rowId(rows[activeIndex]!.node.id) : undefined}
      onKeyDown={props.onKeyDown}
      onFocus={props.onFocus}
      data-stale={messages.isStale || undefined}
    >
      <div className={classes['rows']} role="presentation" style={{ height: virtualizer.getTotalSize() }}>
        {items.map(({ index, key, start }) => {
          const row = rows[index];
          if (!row) return <More key={key} start={start} messages={messages} />;
          return (
            <MessageListRow
              key={key}
              id={rowId(row.node.id)}
              row={row}
              mailboxId={filter.mailboxId}
              start={start}
              position={index + 1}
              total={hasMore ? -1 : rows.length}
              isOpen={row.key === openKey}
              isActive={row.key === activeKey}
              onOpen={onOpen}
            />
          );
        })}
      </div>
    </div>
  );
}

const rowId = (id: string): string => `message-${id}`;

/**
 * Keeps the visible rows in place when new messages arrive above them. At the top of the list, new messages appear.
 * A new list starts at its top.
 *
 * The browser reports a scroll one frame later. So the first visible row is computed from the current scroll position
 * and the previous rows. Otherwise a user who has just scrolled to the top would be moved back.
 */
function useKeptPlace(
  { rows, list }: Messages,
  listRef: RefObject<HTMLDivElement | null>,
  onScroll: (firstShown: number) => void,
): void {
  const seen = useRef({ list, rows, top: 0 });
  useLayoutEffect(() => {
    const element = listRef.current;
    if (!element) return;
    const before = seen.current;
    const from = placeBefore(element, before.top);
    const key = from > 0 ? before.rows[rowAt(from)]?.key : undefined;
    const index = key === undefined ? -1 : rows.findIndex((row) => row.key === key);
    if (before.list !== list) element.scrollTop = 0;
    else if (index >= 0 && index !== rowAt(from)) element.scrollTop = from + (index - rowAt(from)) * ROW_HEIGHT;

    const remember = (): void => {
      seen.current = { list, rows, top: element.scrollTop };
      onScroll(rowAt(element.scrollTop));
    };
    remember();
    element.addEventListener('scroll', remember, { passive: true });
    return () => element.removeEventListener('scroll', remember);
  }, [rows, list, listRef, onScroll]);
}

const rowAt = (top: number): number => Math.floor(top / ROW_HEIGHT);

/** Returns the scroll position before the rows changed. With fewer rows, the browser moves it to the new end. */
function placeBefore({ scrollTop, clientHeight, scrollHeight }: HTMLElement, last: number): number {
  return scrollTop + clientHeight >= scrollHeight ? Math.max(scrollTop, last) : scrollTop;
}

function More({ start, messages }: { start: number; messages: Messages }) {
  const { error, loadMore } = messages;
  return (
    <div className={classes['more']} role="presentation" style={{ transform: `translateY(${start}px)` }}>
      {error ? (
        <button type="button" className={classes['again']} onClick={loadMore}>
          {sentenceOf(error)} Try again
        </button>
      ) : (
        'Loading more…'
      )}
    </div>
  );
}

const COMING = 'A sync is still running. More messages may appear.';

/** Explains why an account has no messages. */
function emptyBecause(account: AccountSummaryFragment | undefined): string {
  switch (account?.syncStatus.state) {
    case 'NEEDS_AUTH':
      return 'The server rejected the password. Enter a new one to sync this account.';
    case 'PAUSED':
      return 'This account is paused. Resume it to sync.';
    case 'SUCCEEDED':
      return 'The last sync found no messages on the server.';
    default:
      return 'They appear here as soon as a sync has stored them.';
  }
}

function Nothing({ messages, filter, account }: Props) {
  const { status, error, loadMore } = messages;
  if (status === 'LOADING') return <Loading what="Loading the messages" />;
  if (error) {
    return (
      <Empty
        title="The messages could not be loaded"
        action={
          <button type="button" className={classes['again']} onClick={loadMore}>
            Try again
          </button>
        }
      >
        {sentenceOf(error)}
      </Empty>
    );
  }
  const isComing = account?.syncStatus.activeRun?.status === 'RUNNING';
  const isMailbox = filter.mailboxId !== null && !filter.search.trim() && !filter.unread && !filter.flagged;
  return isFiltered(filter) ? (
    <Empty title={isMailbox ? 'No messages in this mailbox' : 'No matches'}>
      {isComing ? COMING : isMailbox ? null : widerBy(filter)}
    </Empty>
  ) : (
    <Empty title="No messages yet">{isComing ? COMING : emptyBecause(account)}</Empty>
  );
}
