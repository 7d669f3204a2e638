import type { Pool } from 'pg';
import { MailtideError } from '../errors.ts';
import { eventsAfter, timelineLength } from '../store/timeline/events-after.ts';
import type { EventFeed } from './event-feed.ts';
import type { ProgressBus } from './progress-bus.ts';

/** Events read at once. */
const PAGE = 200;
/** Poll interval in ms without a notification, because another node may have written events. */
const LOOK_EVERY_MS = 1_000;

/**
 * Creates a feed that follows the rows, not the bus. The sequence numbers of a timeline have no gaps and increase in
 * commit order, so a client that resumes after its last number gets every event exactly once, however often it
 * reconnects. The bus only triggers a read.
 */
export function createEventFeed(pool: Pool, bus: ProgressBus, lookEveryMs = LOOK_EVERY_MS): EventFeed {
  return {
    async *ofAccount(tenantId, accountId, afterSeq, signal) {
      const news = newsOf(bus, tenantId, accountId, signal);
      try {
        const present = await timelineLength(pool, tenantId, accountId);
        if (present === null) throw new MailtideError('NOT_FOUND');
        let last = afterSeq ?? present;
        let length: bigint | null = present;
        while (length !== null && !signal.aborted) {
          while (last < length && !signal.aborted) {
            const page = await eventsAfter(pool, accountId, last, PAGE);
            // The end of the chain is missing in the database. verifyEventChain reports it; waiting would not help.
            if (page.length === 0) break;
            for (const event of page) {
              yield event;
              last = event.seq;
            }
          }
          await news.wait(lookEveryMs);
          length = await timelineLength(pool, tenantId, accountId);
        }
      } finally {
        news.stop();
      }
    },
  };
}

/** Waits for commits for an account. */
function newsOf(bus: ProgressBus, tenantId: string, accountId: string, signal: AbortSignal) {
  let isNew = false;
  let goOn: () => void = () => {};
  const tell = (): void => {
    isNew = true;
    goOn();
  };
  const unsubscribe = bus.subscribe(tenantId, (frame) => {
    if (frame.accountId === accountId) tell();
  });
  signal.addEventListener('abort', tell);
  return {
    async wait(ms: number): Promise<void> {
      if (!isNew && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          goOn = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      isNew = false;
    },
    stop(): void {
      unsubscribe();
      signal.removeEventListener('abort', tell);
    },
  };
}
