import { VisuallyHidden } from '@mantine/core';
import { type KeyboardEvent, useCallback, useEffect, useRef, useState } from 'react';
import { useQuery } from 'urql';
import { useLocation } from 'wouter';
import { type AccountSummaryFragment, MessageDocument, MessagesDocument } from '../../generated/gql/graphql.ts';
import { useMailboxes } from '../account-detail/use-mailboxes.ts';
import { codeOf } from '../api/client.ts';
import { count } from '../parts/format.ts';
import { NotFound } from '../parts/states.tsx';
import { useTitle } from '../parts/use-title.ts';
import { toAccount } from '../paths.ts';
import { useShownQuery } from '../shell/show-query.tsx';
import { AccountLine } from './account-line.tsx';
import { isFiltered, isOfThreads, type MessageFilter, useFilter } from './filter.ts';
import { ListBar } from './list-bar.tsx';
import { MessageList, ROW_HEIGHT } from './message-list.tsx';
import { MessagePane, NothingOpen } from './message-pane.tsx';
import classes from './messages.module.css';
import { type MessageRow, type Messages, messagesVariables, useMessages } from './use-messages.ts';
import { useViewKeys } from './use-view-keys.ts';

interface Props {
  readonly accountId: string;
  readonly account: AccountSummaryFragment | undefined;
  readonly messageId?: string;
}

/**
 * The messages of an account: the list, and the open message beside it, or instead of it on a small screen.
 * Keys: j and k or the arrows move, Enter opens, Escape closes, / searches.
 */
export default function MessagesView({ accountId, account, messageId }: Props) {
  useTitle('Messages');
  const [, navigate] = useLocation();
  const [filter, change] = useFilter();
  const { rows: mailboxes = [] } = useMailboxes(accountId);
  const firstShown = useRef(0);
  const messages = useMessages(
    accountId,
    filter,
    useCallback(() => firstShown.current, []),
  );
  const openKey = useOpenKey(messages, messageId ?? null, isOfThreads(filter));
  const [activeKey, setActiveKey] = useState<string | null>(openKey);
  // The browser's back and forward also move between messages.
  useEffect(() => {
    if (openKey) setActiveKey(openKey);
  }, [openKey]);
  const listRef = useRef<HTMLDivElement>(null);
  const searchRef = useRef<HTMLInputElement>(null);

  const open = useCallback(
    (id: string, replace = false) => {
      navigate(`${toAccount(accountId, 'messages')}/${id}${location.search}`, { replace });
    },
    [accountId, navigate],
  );
  const openRow = useCallback(
    ({ key, node }: MessageRow) => {
      setActiveKey(key);
      open(node.id);
    },
    [open],
  );
  const close = (): void => {
    navigate(toAccount(accountId, 'messages') + location.search);
    // On a small screen, the list appears only with the next frame.
    requestAnimationFrame(() => listRef.current?.focus());
  };

  function walk(steps: number): void {
    const { rows } = messages;
    const at = rows.findIndex(({ key }) => key === activeKey);
    const to = at < 0 ? firstShown.current : at + steps;
    const row = rows[Math.min(Math.max(to, 0), rows.length - 1)];
    if (!row) return;
    setActiveKey(row.key);
    if (messageId) open(row.node.id, true);
  }

  const leaveSearch = (): void => listRef.current?.focus();
  useViewKeys({
    j: () => walk(1),
    k: () => walk(-1),
    '/': () => searchRef.current?.focus(),
    Escape: () => messageId && close(),
  });

  /** With the keyboard, starts at the first visible row. A click selects its own row. */
  function onFocus(): void {
    if (activeKey === null && listRef.current?.matches(':focus-visible')) walk(0);
  }

  function onKeyDown(event: KeyboardEvent): void {
    const page = Math.max(1, Math.floor((listRef.current?.clientHeight ?? 0) / ROW_HEIGHT) - 1);
    const steps: Record<string, number> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -messages.rows.length,
      End: messages.rows.length,
    };
    const active = messages.rows.find(({ key }) => key === activeKey);
    if (event.key === 'Enter' && active) openRow(active);
    else if (event.key in steps) walk(steps[event.key]!);
    else return;
    event.preventDefault();
  }

  if (messages.error && codeOf(messages.error) === 'NOT_FOUND') return <NotFound isView={false} />;
  return (
    <>
      <AccountLine account={account} />
      <div className={classes['view']} data-open={messageId ? true : undefined}>
        {messageId ? <ShownMessage messageId={messageId} /> : <ShownList accountId={accountId} filter={filter} />}
        <section className={classes['side']} aria-label="List of messages">
          <ListBar filter={filter} change={change} mailboxes={mailboxes} searchRef={searchRef} onLeave={leaveSearch} />
          <VisuallyHidden role="status">{isFiltered(filter) && foundSay(messages, filter)}</VisuallyHidden>
          <MessageList
            messages={messages}
            filter={filter}
            account={account}
            openKey={openKey}
            activeKey={activeKey}
            listRef={listRef}
            onKeyDown={onKeyDown}
            onFocus={onFocus}
            onOpen={openRow}
            onScroll={(first) => {
              firstShown.current = first;
            }}
          />
        </section>
        <section className={classes['pane']} aria-label="Message">
          {messageId ? (
            <MessagePane key={messageId} messageId={messageId} onOpen={open} onClose={close} />
          ) : (
            <NothingOpen />
          )}
        </section>
      </div>
    </>
  );
}

/** Returns the key of the open message's row. Any message of a thread may be open, so the message names its thread. */
function useOpenKey({ rows }: Messages, messageId: string | null, isThreads: boolean): string | null {
  const pause = messageId === null || !isThreads;
  const [{ data }] = useQuery({ query: MessageDocument, variables: { id: messageId ?? '' }, pause });
  if (pause) return messageId;
  const row = rows.find(({ node }) => node.id === messageId);
  return row?.key ?? (data?.message?.id === messageId ? data?.message?.thread.id : null) ?? null;
}

/** Announces the number of results to screen readers. */
function foundSay({ rows, hasMore, isStale, status }: Messages, filter: MessageFilter): string {
  if (isStale || status !== 'READY') return '';
  return `${hasMore ? 'At least ' : ''}${count(rows.length, isOfThreads(filter) ? 'thread' : 'message')} found`;
}

/** While a message is open, its query is the query of the view. */
function ShownMessage({ messageId }: { messageId: string }) {
  useShownQuery(MessageDocument, { id: messageId });
  return null;
}

function ShownList({ accountId, filter }: { accountId: string; filter: MessageFilter }) {
  useShownQuery(MessagesDocument, messagesVariables(accountId, filter));
  return null;
}
