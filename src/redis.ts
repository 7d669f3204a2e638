import { Redis, type RedisOptions } from 'ioredis';
import type { Logger } from 'pino';

/**
 * The way to Redis. It may be gone at any moment, from the start too: nothing here waits for it or throws because of it,
 * and who needs to know asks `isReady`.
 */
export interface RedisLink {
  /** Whether Redis answers. */
  readonly isReady: boolean;
  /** For commands that fail at once when Redis is not there. */
  readonly commands: Redis;
  /** A connection of its own for who waits on the server for minutes (BullMQ's workers); closed with the link. */
  blocking(): Redis;
  publish(channel: string, message: string): void;
  /**
   * Calls `listener` with every message from the moment on at which `caughtUp` is called: when Redis has taken the
   * subscription, and again whenever the connection was lost and is back. Returns how to stop.
   */
  subscribe(channel: string, listener: (message: string) => void, caughtUp?: () => void): () => void;
  close(): void;
}

/** A server that does not answer a connection for that long is not there, in milliseconds. */
const CONNECT_WITHIN_MS = 5_000;
/** And one that does not answer a command: it hangs, or the way to it is cut without a word. */
const ANSWER_WITHIN_MS = 5_000;
const RETRY_EVERY_MS = 1_000;
const PING_EVERY_MS = 5_000;

const OPTIONS: RedisOptions = {
  connectTimeout: CONNECT_WITHIN_MS,
  keepAlive: 10_000,
  retryStrategy: (times) => Math.min(times * 100, RETRY_EVERY_MS),
};

interface Subscription {
  readonly listener: (message: string) => void;
  readonly caughtUp: () => void;
}

export function openRedis(url: string, log: Logger): RedisLink {
  const commands = new Redis(url, {
    ...OPTIONS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    commandTimeout: ANSWER_WITHIN_MS,
  });
  const subscriber = new Redis(url, { ...OPTIONS, maxRetriesPerRequest: null });
  const connections = [commands, subscriber];
  const channels = new Map<string, { subscriptions: Set<Subscription>; taken: Promise<unknown> }>();
  let isThere: boolean | null = null;

  const note = (there: boolean, error?: Error): void => {
    if (isThere === there) return;
    if (there) log.info(isThere === null ? 'Redis is there' : 'Redis is there again');
    else log.warn({ err: error }, 'Redis is not there: syncs go on without it, and it is tried again');
    isThere = there;
  };
  commands.on('ready', () => note(true));
  commands.on('error', (error) => note(false, error));
  commands.on('close', () => note(false));
  // One tells for all; without a listener an error would end the process.
  subscriber.on('error', () => {});
  // A way that was cut without a word looks open for minutes.
  const pinging = setInterval(() => {
    if (commands.status !== 'ready') return;
    commands.ping().catch(() => {
      for (const connection of connections) connection.disconnect(true);
    });
  }, PING_EVERY_MS);

  subscriber.on('message', (channel: string, message: string) => {
    for (const { listener } of channels.get(channel)?.subscriptions ?? []) listener(message);
  });
  subscriber.on('ready', () => {
    // Redis answers in order: when it has answered this, it has taken the subscriptions that ioredis renewed before.
    setImmediate(() => {
      subscriber.ping().then(
        () => {
          for (const { subscriptions } of channels.values()) for (const { caughtUp } of subscriptions) caughtUp();
        },
        // The connection was lost again: the next one begins anew.
        () => {},
      );
    });
  });

  return {
    get isReady() {
      return commands.status === 'ready';
    },
    commands,
    blocking() {
      const connection = new Redis(url, { ...OPTIONS, maxRetriesPerRequest: null });
      connection.on('error', () => {});
      connections.push(connection);
      return connection;
    },
    publish(channel, message) {
      // What is not said now is read from the rows later.
      if (commands.status === 'ready') commands.publish(channel, message).catch(() => {});
    },
    subscribe(channel, listener, caughtUp = () => {}) {
      const subscription = { listener, caughtUp };
      // Without a connection ioredis sends it when there is one; a renewed connection calls `caughtUp` as well.
      const joined = channels.get(channel) ?? { subscriptions: new Set(), taken: subscriber.subscribe(channel) };
      channels.set(channel, joined);
      joined.subscriptions.add(subscription);
      joined.taken.then(() => joined.subscriptions.has(subscription) && caughtUp()).catch(() => {});
      return () => {
        joined.subscriptions.delete(subscription);
        if (joined.subscriptions.size > 0 || channels.get(channel) !== joined) return;
        channels.delete(channel);
        subscriber.unsubscribe(channel).catch(() => {});
      };
    },
    close() {
      clearInterval(pinging);
      commands.removeAllListeners('close');
      for (const connection of connections) connection.disconnect();
    },
  };
}
