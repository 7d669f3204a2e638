import { Redis, type RedisOptions, ReplyError } from 'ioredis';
import type { Logger } from 'pino';

/**
 * The Redis connection. It may be down at any time, even at startup. Nothing here waits for it or throws because of it;
 * callers check `isReady`. Why Redis is optional: docs/decisions/0008-redis-is-optional.md.
 */
export interface RedisLink {
  /** True if Redis answers and accepts writes. A queue cannot use a full Redis or a replica. */
  readonly isReady: boolean;
  /** For commands. They fail at once while Redis is down. */
  readonly commands: Redis;
  /** Opens a separate connection for commands that block for minutes (BullMQ's workers). Closed with the link. */
  blocking(): Redis;
  publish(channel: string, message: string): void;
  /**
   * Calls `listener` with every message after `caughtUp` is called: when Redis has confirmed the subscription, and
   * again after every reconnect. Returns a function that unsubscribes.
   */
  subscribe(channel: string, listener: (message: string) => void, caughtUp?: () => void): () => void;
  close(): void;
}

/** Connect timeout, in ms. */
const CONNECT_WITHIN_MS = 5_000;
/** Command timeout in ms, for a server that hangs or a connection that was dropped silently. */
const ANSWER_WITHIN_MS = 5_000;
const RETRY_EVERY_MS = 1_000;
const PROBE_EVERY_MS = 5_000;

const OPTIONS: RedisOptions = {
  connectTimeout: CONNECT_WITHIN_MS,
  keepAlive: 10_000,
  retryStrategy: (times) => Math.min(times * 100, RETRY_EVERY_MS),
};

interface Subscription {
  readonly listener: (message: string) => void;
  readonly caughtUp: () => void;
}

/** @param prefix of the key that the probe writes */
export function openRedis(url: string, prefix: string, log: Logger): RedisLink {
  const connections: Redis[] = [];
  const commands = connect({ enableOfflineQueue: false, maxRetriesPerRequest: 1, commandTimeout: ANSWER_WITHIN_MS });
  const subscriber = connect({ maxRetriesPerRequest: null });
  const channels = new Map<string, { subscriptions: Set<Subscription>; taken: Promise<unknown> }>();
  let isThere: boolean | null = null;

  function connect(options: RedisOptions): Redis {
    const connection = new Redis(url, { ...OPTIONS, ...options });
    // Registered first. Without a listener, an error would end the process. ioredis attaches the failed command with
    // its arguments, which may include the password.
    connection.on('error', (error: Error & { command?: unknown }) => delete error.command);
    connections.push(connection);
    return connection;
  }

  const note = (there: boolean, reason?: string): void => {
    if (isThere === there) return;
    if (there) log.info(isThere === null ? 'Redis is ready' : 'Redis is ready again');
    else log.warn({ reason }, 'Redis is unavailable: syncs continue without it, and the connection is retried');
    isThere = there;
  };
  commands.on('ready', () => void probe());
  commands.on('error', ({ message }) => note(false, message));
  commands.on('close', () => note(false));
  const probing = setInterval(() => {
    void probe().then((problem) => {
      // A silently dropped connection can look open for minutes, and a primary that became a replica has a successor.
      if (problem !== 'silent' && problem !== 'replica') return;
      for (const connection of connections) connection.disconnect(true);
    });
  }, PROBE_EVERY_MS);

  /** Probes Redis with a write, because one that is full, cannot save, or is a replica still answers PING. */
  async function probe(): Promise<'silent' | 'refuses' | 'replica' | null> {
    if (commands.status !== 'ready') return null;
    try {
      await commands.set(`${prefix}:probe`, 1, 'PX', PROBE_EVERY_MS);
      note(true);
      return null;
    } catch (error) {
      const { message } = error as Error;
      if (!(error instanceof ReplyError)) return 'silent';
      note(false, message);
      return message.startsWith('READONLY') ? 'replica' : 'refuses';
    }
  }

  subscriber.on('message', (channel: string, message: string) => {
    for (const { listener } of channels.get(channel)?.subscriptions ?? []) listener(message);
  });
  subscriber.on('ready', () => {
    // Redis answers in order, so after this answer it has confirmed the subscriptions that ioredis renewed before.
    setImmediate(() => {
      subscriber.ping().then(
        () => {
          for (const { subscriptions } of channels.values()) for (const { caughtUp } of subscriptions) caughtUp();
        },
        // The connection was lost again. The next `ready` event repeats this.
        () => {},
      );
    });
  });

  return {
    get isReady() {
      return commands.status === 'ready' && isThere === true;
    },
    commands,
    blocking: () => connect({ maxRetriesPerRequest: null }),
    publish(channel, message) {
      // Subscribers read unsent news from the rows later.
      if (commands.status === 'ready') commands.publish(channel, message).catch(() => {});
    },
    subscribe(channel, listener, caughtUp = () => {}) {
      const subscription = { listener, caughtUp };
      // Without a connection, ioredis subscribes once it has one. A renewed connection also calls `caughtUp`.
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
      clearInterval(probing);
      commands.removeAllListeners('close');
      for (const connection of connections) connection.disconnect();
    },
  };
}
