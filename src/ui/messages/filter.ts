import { useMemo } from 'react';
import { useSearchParams } from 'wouter';

/** Selects messages of an account. It is part of the URL, so that it survives a reload and can be shared. */
export interface MessageFilter {
  readonly mailboxId: string | null;
  readonly search: string;
  readonly unread: boolean;
  readonly flagged: boolean;
}

export const isFiltered = ({ mailboxId, search, unread, flagged }: MessageFilter): boolean =>
  mailboxId !== null || search.trim() !== '' || unread || flagged;

const either = new Intl.ListFormat('en', { type: 'disjunction' });

/** Suggests which conditions to drop when nothing was found. */
export function widerBy({ mailboxId, search, unread, flagged }: MessageFilter): string {
  const ways = [
    ...(search.trim() ? ['with fewer words'] : []),
    ...(mailboxId !== null ? ['in all mailboxes'] : []),
    ...(unread ? ['without “Unread”'] : []),
    ...(flagged ? ['without “Flagged”'] : []),
  ];
  return `Try again ${either.format(ways)}.`;
}

/** True if each row of the list is a thread. A search lists every matching message. */
export const isOfThreads = ({ search }: MessageFilter): boolean => search.trim() === '';

export function useFilter(): [MessageFilter, (changes: Partial<MessageFilter>) => void] {
  const [params, setParams] = useSearchParams();
  const mailboxId = params.get('mailbox');
  const search = params.get('search') ?? '';
  const unread = params.has('unread');
  const flagged = params.has('flagged');
  const filter = useMemo(() => ({ mailboxId, search, unread, flagged }), [mailboxId, search, unread, flagged]);
  return [filter, (changes) => setParams(paramsOf({ ...filter, ...changes }), { replace: true })];
}

function paramsOf({ mailboxId, search, unread, flagged }: MessageFilter): URLSearchParams {
  return new URLSearchParams([
    ...(mailboxId ? [['mailbox', mailboxId]] : []),
    ...(search ? [['search', search]] : []),
    ...(unread ? [['unread', '']] : []),
    ...(flagged ? [['flagged', '']] : []),
  ]);
}
