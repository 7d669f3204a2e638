import { useEffect, useState } from 'react';
import { useClient } from 'urql';
import { type EventType, NewEventsDocument } from '../../generated/gql/graphql.ts';
import type { ShownEvent } from './event-list.tsx';

/** A first sync appends thousands of events. Only the newest are kept; a reload lists the others page by page. */
const KEPT = 200;
/** Events arrive as fast as a sync commits, so they are shown in groups. */
const TOGETHER_MS = 250;

/**
 * Returns the events that are committed after `newestSeq`, newest first. The subscription starts after a sequence
 * number, also when it reconnects, so no event is lost.
 */
export function useNewEvents(accountId: string, newestSeq: string | undefined, type: EventType | null): ShownEvent[] {
  const client = useClient();
  const [news, setNews] = useState<ShownEvent[]>([]);
  useEffect(() => {
    setNews([]);
    if (newestSeq === undefined) return;
    let last = BigInt(newestSeq);
    let batch: ShownEvent[] = [];
    const take = () => {
      const fresh = batch.reverse();
      batch = [];
      setNews((before) => [...fresh, ...before].slice(0, KEPT));
    };
    const subscription = client
      .subscription(NewEventsDocument, { accountId, afterSeq: newestSeq })
      .subscribe(({ data }) => {
        // After a reconnect, the socket subscribes with the same number, so known events arrive again.
        if (!data || BigInt(data.events.seq) <= last) return;
        last = BigInt(data.events.seq);
        if (type !== null && data.events.type !== type) return;
        if (batch.length === 0) setTimeout(take, TOGETHER_MS);
        batch.push(data.events);
      });
    return () => subscription.unsubscribe();
  }, [client, accountId, newestSeq, type]);
  return news;
}
