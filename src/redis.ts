import { Redis, type RedisOptions, ReplyError } from 'ioredis';
import type { Logger } from 'pino';

/**
 * The way to Redis. It may be gone at any moment, from the start too: nothing here waits for it or throws because of it,
 * and who needs to know asks `isReady`.
 */
export interface RedisLink {
  /** Whether Redis answers, and takes what it is given: one that is full, or a replica, is of no use to a queue. */
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

/** @param prefix of the one key that is written here, to see whether Redis takes anything */
export function openRedis(url: string, prefix: string, log: Logger): RedisLink {
  const connections: Redis[] = [];
  const commands = connect({ enableOfflineQueue: false, maxRetriesPerRequest: 1, commandTimeout: ANSWER_WITHIN_MS });
  const subscriber = connect({ maxRetriesPerRequest: null });
  const channels = new Map<string, { subscriptions: Set<Subscription>; taken: Promise<unknown> }>();
  let isThere: boolean | null = null;

  function connect(options: RedisOptions): Redis {
    const connection = new Redis(url, { ...OPTIONS, ...options });
    // The first to hear of an error, which without a listener would end the process. ioredis attaches the command that
    // failed, with its arguments: the password is one.
    connection.on('error', (error: Error & { command?: unknown }) => delete error.command);
    connections.push(connection);
    return connection;
  }

  const note = (there: boolean, reason?: string): void => {
    if (isThere === there) return;
    if (there) log.info(isThere === null ? 'Redis is there' : 'Redis is there again');
    else log.warn({ reason }, 'Redis is not there: syncs go on without it, and it is tried again');
    isThere = there;
  };
  commands.on('ready', () => void probe());
  commands.on('error', ({ message }) => note(false, message));
  commands.on('close', () => note(false));
  const probing = setInterval(() => {
    void probe().then((problem) => {
      // A way that was cut without a word looks open for minutes, and a primary that became a replica has a successor.
      if (problem !== 'silent' && problem !== 'replica') return;
      for (const connection of connections) connection.disconnect(true);
    });
  }, PROBE_EVERY_MS);

  /** Writes, because a Redis that is full, cannot save, or is a replica still answers a PING. */
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
      return commands.status === 'ready' && isThere === true;
    },
    commands,
    blocking: () => connect({ maxRetriesPerRequest: null }),
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
      clearInterval(probing);
      commands.removeAllListeners('close');
      for (const connection of connections) connection.disconnect();
    },
  };
}
