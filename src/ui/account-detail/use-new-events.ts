import { useEffect, useState } from 'react';
import { useClient } from 'urql';
import { type EventType, NewEventsDocument } from '../../generated/gql/graphql.ts';
import type { ShownEvent } from './event-list.tsx';

/** A first sync writes thousands: the newest are shown, the others are a page further down. */
const KEPT = 200;
/** They come as fast as a sync commits: nobody reads faster than this. */
const TOGETHER_MS = 250;

/**
 * The events that are committed after `newestSeq`, newest first. A subscription goes on from a number, also after a
 * reconnect, so that nothing is left out.
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
        // After a break the socket asks with the same number again: what is known comes once more.
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
