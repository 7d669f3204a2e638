import type { Pool } from 'pg';
import { MailtideError } from '../errors.ts';
import { eventsAfter, timelineLength } from '../store/timeline/events-after.ts';
import type { EventFeed } from './event-feed.ts';
import type { ProgressBus } from './progress-bus.ts';

/** Events that are held for a reader. */
const PAGE = 200;
/** How often the rows are asked when nobody says that there is news: another node may have written it. */
const LOOK_EVERY_MS = 1_000;

/**
 * Follows the rows, not messages: the numbers of a timeline have no gaps and grow in the order of their commits, so
 * whoever asks for what comes after the last one misses nothing and gets nothing twice, however often he is cut off.
 * The bus only says when to look.
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
            // The end was cut off in the database: for verifyEventChain to find, not for us to wait for.
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

/** Whether something was committed for an account since the last wait. */
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
