import { randomUUID } from 'node:crypto';
import type { SyncProgress } from '../domain/progress.ts';
import type { RedisLink } from '../redis.ts';
import { readFrame, writeFrame } from './frame-text.ts';
import { type AccountChange, type Bus, type Buses, createLocalBus, LOOK_EVERY_MS } from './progress-bus.ts';

/** One kind of news: the name of its channels, and its text format. */
interface Kind<News> {
  readonly name: string;
  write(from: string, news: News): string;
  read(text: string): { readonly from: string; readonly news: News };
}

const PROGRESS: Kind<SyncProgress> = {
  name: 'progress',
  write: writeFrame,
  read(text) {
    const { from, frame } = readFrame(text);
    return { from, news: frame };
  },
};

const ACCOUNTS: Kind<AccountChange> = {
  name: 'accounts',
  write: (from, { tenantId, accountId }) => JSON.stringify({ from, news: { tenantId, accountId } }),
  read: (text) => JSON.parse(text) as { from: string; news: AccountChange },
};

export function createRedisBuses(redis: RedisLink, prefix: string): Buses {
  const progress = createRedisBus(redis, prefix, PROGRESS);
  const accounts = createRedisBus(redis, prefix, ACCOUNTS);
  return {
    progress,
    accounts,
    close() {
      progress.close();
      accounts.close();
    },
  };
}

/**
 * Creates a bus between processes: Redis pub/sub with one channel per tenant, to which a node subscribes while it has
 * subscribers. Redis keeps no messages, so subscribers that may have missed news are notified to read the rows: when
 * the channel is subscribed, when the connection is back, and every second while it is down. Subscribers on the
 * publishing node receive the news without Redis.
 */
function createRedisBus<News extends { readonly tenantId: string }>(
  redis: RedisLink,
  prefix: string,
  kind: Kind<News>,
): Bus<News> & { close(): void } {
  const local = createLocalBus<News>();
  const me = randomUUID();
  const channelOf = (tenantId: string): string => `${prefix}:${kind.name}:${tenantId}`;
  const channels = new Map<string, { watchers: number; leave: () => void }>();
  const looking = setInterval(() => {
    if (!redis.isReady) local.missed();
  }, LOOK_EVERY_MS);

  function join(tenantId: string): void {
    const present = channels.get(tenantId);
    if (present) {
      present.watchers += 1;
      return;
    }
    const take = (message: string): void => {
      const { from, news } = kind.read(message);
      // Local subscribers already received this node's news when it was published.
      if (from !== me) local.publish(news);
    };
    const leave = redis.subscribe(channelOf(tenantId), take, () => local.missed(tenantId));
    channels.set(tenantId, { watchers: 1, leave });
  }

  function part(tenantId: string): void {
    const present = channels.get(tenantId)!;
    present.watchers -= 1;
    if (present.watchers > 0) return;
    channels.delete(tenantId);
    present.leave();
  }

  return {
    publish(news) {
      local.publish(news);
      redis.publish(channelOf(news.tenantId), kind.write(me, news));
    },
    subscribe(tenantId, listener, missed) {
      const stop = local.subscribe(tenantId, listener, missed);
      join(tenantId);
      let stopped = false;
      return () => {
        if (stopped) return;
        stopped = true;
        stop();
        part(tenantId);
      };
    },
    close() {
      clearInterval(looking);
    },
  };
}
