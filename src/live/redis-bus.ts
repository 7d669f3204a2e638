import { randomUUID } from 'node:crypto';
import type { RedisLink } from '../redis.ts';
import { readFrame, writeFrame } from './frame-text.ts';
import { type ClosableBus, createLocalProgressBus, LOOK_EVERY_MS } from './progress-bus.ts';

/**
 * The bus between processes: Redis pub/sub, a channel for each tenant, which a node listens to while somebody watches
 * there. Redis keeps nothing for who does not listen, so whoever may have missed something is told to look at the rows:
 * when his channel is taken, when the connection is back, and every second while it is gone. Subscribers of the node that
 * publishes get their frames without Redis.
 */
export function createRedisBus(redis: RedisLink, prefix: string): ClosableBus {
  const local = createLocalProgressBus();
  const me = randomUUID();
  const channelOf = (tenantId: string): string => `${prefix}:progress:${tenantId}`;
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
      const { from, frame } = readFrame(message);
      // Ours were given to our subscribers when they were published.
      if (from !== me) local.publish(frame);
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
    publish(frame) {
      local.publish(frame);
      redis.publish(channelOf(frame.tenantId), writeFrame(me, frame));
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
