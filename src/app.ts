import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { createAccounts } from './accounts/accounts.ts';
import { openKeyring } from './accounts/keyring.ts';
import { createLogins } from './accounts/logins.ts';
import { type Config, isLoopback } from './config.ts';
import { createWork } from './create-work.ts';
import { createRunHandler } from './jobs/attempt/run-handler.ts';
import { createSyncs } from './jobs/create-syncs.ts';
import { startClockCorrection } from './jobs/maintenance/clock-correction.ts';
import { startRecovery } from './jobs/maintenance/recovery.ts';
import { startReparser } from './jobs/maintenance/reparser.ts';
import { startRunHistoryCleanup } from './jobs/maintenance/run-history.ts';
import { startScheduler } from './jobs/maintenance/scheduler.ts';
import { startSearchIndexer } from './jobs/maintenance/search-indexer.ts';
import { startTableMaintenance } from './jobs/maintenance/table-maintenance.ts';
import type { BullmqQueue } from './jobs/queue/bullmq-queue.ts';
import { createLocalQueue } from './jobs/queue/local-queue.ts';
import { RUN_ELSEWHERE, type RunHandler, type SyncQueue } from './jobs/queue/sync-queue.ts';
import { createWorkerSlots } from './jobs/queue/worker-slots.ts';
import { createAccountFeed } from './live/create-account-feed.ts';
import { createEventFeed } from './live/create-event-feed.ts';
import { createProgressFeed } from './live/create-progress-feed.ts';
import { type Buses, createLocalBuses, createPollingBuses } from './live/progress-bus.ts';
import { createRedisBuses } from './live/redis-bus.ts';
import type { MimePool, MimePoolOptions } from './mime/mime-pool.ts';
import { configuredProviders } from './oauth/configured-providers.ts';
import { createGrantTokens } from './oauth/grant-tokens.ts';
import { createProviderClients } from './oauth/provider-clients.ts';
import { createSignIns } from './oauth/sign-ins.ts';
import { openRedis, type RedisLink } from './redis.ts';
import { buildNodeServer } from './server/build-node-server.ts';
import type { ServerOptions } from './server/build-server.ts';
import { type Database, openDatabase } from './store/plumbing/database.ts';
import { ensureFirstTenant } from './store/tenancy/tenants.ts';
import { createMetrics } from './telemetry/metrics.ts';
import { startTracing } from './telemetry/start-tracing.ts';
import { currentTraceParent } from './telemetry/trace-parent.ts';

const MINUTE_MS = 60_000;
/** Requests of one tenant that may wait for a thread. Each may hold megabytes of a message. */
const MAX_VIEWS_WAITING = 32;

export interface App {
  /** The address, e.g. `http://127.0.0.1:4000`. Without the api role it serves only health and metrics. */
  readonly url: string;
  /** The first tenant's key, set only on the start that creates it. */
  readonly newApiKey: string | null;
  /** Lets running batches commit, closes subscriptions, and returns runs to the queue. */
  close(): Promise<void>;
}

/**
 * The composition root. Builds every part in order, and closes them in reverse. It alone decides what a part receives:
 * no other code checks which database is used, whether Redis is configured, or which roles run. Code that only one role
 * needs is loaded for that role only.
 */
export async function startApp(config: Config, log: Logger): Promise<App> {
  await using opened = new AsyncDisposableStack();
  const has = (role: Config['ROLES'][number]): boolean => config.ROLES.includes(role);

  const providers = configuredProviders(config);
  opened.defer(await startTracing(config));
  const database = await openDatabase({
    url: config.DATABASE_URL,
    dataDir: config.DATA_DIR,
    poolSize: config.DATABASE_POOL_SIZE,
  });
  opened.defer(() => database.close());
  // A configured key must be valid before the first request.
  if (config.API_KEY !== undefined) await ensureFirstTenant(database.prisma, config.API_KEY);
  const keyring = await openKeyring({ encryptionKey: config.ENCRYPTION_KEY, dataDir: config.DATA_DIR });

  const redis = config.REDIS_URL === undefined ? null : openRedis(config.REDIS_URL, config.REDIS_PREFIX, log);
  opened.defer(() => redis?.close());
  const { ADMIN_KEY: adminKey } = config;
  const metrics = createMetrics({ pool: database.pool, log, namesHosts: adminKey !== undefined });
  const buses = createBuses(config, redis, database, log);
  opened.defer(() => buses.close());
  const bus = metrics.bus(buses.progress);
  const policy = { allowPrivateHosts: config.IMAP_ALLOW_PRIVATE_HOSTS };
  const clients = createProviderClients(providers, { policy });
  const tokens = createGrantTokens({ pool: database.pool, keyring, clients, log });
  const logins = createLogins(keyring, policy, (grantId, rejected) => tokens.accessToken(grantId, rejected));

  let handler: RunHandler | null = null;
  if (has('worker')) {
    const mime = lazyMime(log);
    opened.defer(() => mime.close());
    handler = createRunHandler({
      database,
      bus,
      log,
      retry: { maxRetries: config.SYNC_MAX_RETRIES, baseSeconds: config.SYNC_RETRY_BASE_SECONDS },
      timeLimitMs: config.SYNC_TIME_LIMIT_MINUTES * MINUTE_MS,
      work: await createWork(config, {
        database,
        logins,
        metrics,
        mime: await mime.get(),
      }),
    });
  }
  const { queue, messages } = await createQueue(config, redis, database, handler, log);
  opened.defer(() => queue.close());
  const syncs = createSyncs({ database, bus, queue, traceParent: currentTraceParent });
  const connecting = {
    database,
    keyring,
    intervalMinutes: config.SYNC_INTERVAL_MINUTES,
    stopSync: (accountId: string) => syncs.cancelOfAccount(accountId),
    onChange: (tenantId: string, accountId: string) => buses.accounts.publish({ tenantId, accountId }),
  };
  const accounts = createAccounts({ ...connecting, policy, logins, imap: { logger: log } });
  const signIns = createSignIns({
    ...connecting,
    clients,
    accounts,
    startSync: async (tenantId, accountId) => {
      await syncs.startIfPossible(tenantId, accountId);
    },
    publicUrl: browserUrl(config),
    log,
  });

  const access = {
    isLoopback: isLoopback(config.HOST),
    publicUrl: config.PUBLIC_URL,
    trustedProxies: config.TRUSTED_PROXIES,
  };
  const node = { metrics, adminKey, access, redis, logger: log };
  let server: FastifyInstance;
  if (has('api')) {
    const { buildServer } = await import('./server/build-server.ts');
    // Separate from the threads of the syncs, so that neither waits for the other.
    const reading = lazyMime(log, { maxWaiting: MAX_VIEWS_WAITING });
    opened.defer(() => reading.close());
    const services: ServerOptions['services'] = {
      database,
      accounts,
      signIns,
      syncs,
      progress: metrics.progress(createProgressFeed(database.pool, buses, metrics.conflated)),
      timeline: metrics.events(createEventFeed(database.pool, bus)),
      accountChanges: createAccountFeed(database.pool, buses.accounts),
      textWork: (tenantId) => ({
        highlights: async (mails, search) => (await reading.get()).of(tenantId).highlights(mails, search),
        hasRemoteImages: async (html) => (await reading.get()).of(tenantId).hasRemoteImages(html),
      }),
      isScheduled: config.SYNC_ENABLED,
    };
    server = await buildServer({
      ...node,
      services,
      readAttachment: async (source, stored, tenantId) => (await reading.get()).of(tenantId).attachment(source, stored),
      renderHtml: async (html, source, { tenantId, ...options }) =>
        (await reading.get()).of(tenantId).htmlPage(html, source, options),
      messages,
    });
  } else {
    server = buildNodeServer({ ...node, database });
  }
  opened.defer(() => server.close());
  const url = await server.listen({ host: config.HOST, port: config.PORT });
  if (has('worker')) {
    const stopRecovery = await startRecovery({ database, bus, queue, maxRetries: config.SYNC_MAX_RETRIES, log });
    opened.defer(stopRecovery);
    opened.defer(startSearchIndexer(database, log));
    // Separate from the threads of the syncs, which must not wait for it.
    const reparsing = lazyMime(log);
    opened.defer(() => reparsing.close());
    opened.defer(startReparser(database, async (sources) => (await reparsing.get()).digest(sources), log));
  }
  if (has('scheduler')) {
    opened.defer(startClockCorrection(database.pool, config.SYNC_INTERVAL_MINUTES, log));
  }
  if (database.exclusive) opened.defer(startTableMaintenance(database.pool, log));
  if (config.SYNC_ENABLED && has('scheduler')) {
    const intervalMinutes = config.SYNC_INTERVAL_MINUTES;
    opened.defer(startScheduler({ database, bus, queue, intervalMinutes, log }));
  }
  if (config.RUN_HISTORY_DAYS > 0 && has('scheduler')) {
    opened.defer(startRunHistoryCleanup(database.pool, config.RUN_HISTORY_DAYS, log));
  }
  // A created key is shown only once. It is created last, when the start cannot fail any more, and where it is printed.
  const isShown = has('api') && config.API_KEY === undefined;
  const newApiKey = isShown ? await ensureFirstTenant(database.prisma, undefined) : null;

  const running = opened.move();
  return { url, newApiKey, close: () => running.disposeAsync() };
}

/** Returns the URL at which browsers reach the service, or null if it is not known. */
function browserUrl({ PUBLIC_URL, HOST, PORT }: Config): string | null {
  if (PUBLIC_URL !== undefined) return PUBLIC_URL;
  return isLoopback(HOST) ? `http://${HOST.includes(':') ? `[${HOST}]` : HOST}:${PORT}` : null;
}

/** Creates local buses for a single process, Redis buses for several, or polling ones without Redis. */
function createBuses(config: Config, redis: RedisLink | null, { exclusive }: Database, log: Logger): Buses {
  if (redis) return createRedisBuses(redis, config.REDIS_PREFIX);
  if (exclusive) return createLocalBuses();
  log.info('REDIS_URL is not set: nodes poll the database once a second for the changes of others');
  return createPollingBuses();
}

/** Creates the queue, and with Redis also the BullMQ queue for the dashboard. */
async function createQueue(
  config: Config,
  redis: RedisLink | null,
  { pool }: Database,
  handler: RunHandler | null,
  log: Logger,
): Promise<{ queue: SyncQueue; messages?: BullmqQueue['messages'] }> {
  const concurrency = config.SYNC_CONCURRENCY;
  const slots = handler && createWorkerSlots(concurrency, handler);
  if (redis) {
    const { createBullmqQueue } = await import('./jobs/queue/bullmq-queue.ts');
    const worker = handler && slots ? { worker: { slots, concurrency, handler } } : {};
    const queue = createBullmqQueue({ redis, prefix: config.REDIS_PREFIX, pool, log, ...worker });
    if (!config.ADMIN_KEY) log.info("ADMIN_KEY is not set: the queue's dashboard is not served");
    return { queue, messages: queue.messages };
  }
  return { queue: handler && slots ? createLocalQueue(slots, handler, log) : RUN_ELSEWHERE };
}

/** Loads the parser threads and their client code on first use. */
function lazyMime(log: Logger, options: MimePoolOptions = {}) {
  const onStrayError = (err: Error): void => log.warn({ err }, 'a parser thread failed');
  let pool: Promise<MimePool> | null = null;
  return {
    get: () =>
      (pool ??= import('./mime/mime-pool.ts').then(({ createMimePool }) =>
        createMimePool({ ...options, onStrayError }),
      )),
    close: async () => (await pool)?.close(),
  };
}
