import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { createAccounts } from './accounts/accounts.ts';
import { openKeyring } from './accounts/keyring.ts';
import type { Config } from './config.ts';
import { deadlinesOf } from './imap/deadlines.ts';
import { openImapConnection } from './imap/open-connection.ts';
import { createSyncs } from './jobs/create-syncs.ts';
import { createHostGate } from './jobs/host-gate.ts';
import { createLocalQueue } from './jobs/local-queue.ts';
import { startRecovery } from './jobs/recovery.ts';
import { createRunHandler } from './jobs/run-handler.ts';
import { startScheduler } from './jobs/scheduler.ts';
import { RUN_ELSEWHERE } from './jobs/sync-queue.ts';
import type { Syncs } from './jobs/syncs.ts';
import { createEventFeed } from './live/create-event-feed.ts';
import { createProgressFeed } from './live/create-progress-feed.ts';
import { createLocalProgressBus } from './live/progress-bus.ts';
import { createMimePool } from './mime/mime-pool.ts';
import { buildNodeServer } from './server/build-node-server.ts';
import { buildServer } from './server/build-server.ts';
import { openDatabase } from './store/database.ts';
import { ensureFirstTenant } from './store/tenants.ts';
import { runAccount } from './sync/run-account.ts';
import type { InStep } from './sync/steps.ts';
import { createMetrics } from './telemetry/metrics.ts';
import { inRunSpan, inStepSpan } from './telemetry/spans.ts';
import { startTracing } from './telemetry/start-tracing.ts';
import { currentTraceParent } from './telemetry/trace-parent.ts';

const MINUTE_MS = 60_000;
/** For one message that somebody wants to read: longer takes only what was made for it. */
const READING_MS = 5000;

export interface App {
  /** Where it listens, e.g. `http://127.0.0.1:4000`. Without the api role it tells only how it is. */
  readonly url: string;
  /** The first tenant's key, the one time it is made. */
  readonly newApiKey: string | null;
  /** Lets running batches commit, closes subscriptions, gives runs back to the queue. */
  close(): Promise<void>;
}

/**
 * The composition root: what is built, in the order in which it is built, and closed in reverse. Only here is decided
 * what a part gets: nothing below asks which database it is on, or which roles run.
 */
export async function startApp(config: Config, log: Logger): Promise<App> {
  await using opened = new AsyncDisposableStack();

  opened.defer(await startTracing(config));
  const database = await openDatabase({ url: config.DATABASE_URL, dataDir: config.DATA_DIR });
  opened.defer(() => database.close());
  // A configured key is valid before anybody can ask.
  if (config.API_KEY !== undefined) await ensureFirstTenant(database.prisma, config.API_KEY);
  const keyring = await openKeyring({ encryptionKey: config.ENCRYPTION_KEY, dataDir: config.DATA_DIR });

  const { ADMIN_KEY: adminKey } = config;
  const metrics = createMetrics({ pool: database.pool, log, namesHosts: adminKey !== undefined });
  const bus = metrics.bus(createLocalProgressBus());
  const mime = createMimePool({});
  opened.defer(() => mime.close());
  const accounts = createAccounts({
    database,
    keyring,
    policy: { allowPrivateHosts: config.IMAP_ALLOW_PRIVATE_HOSTS },
    intervalMinutes: config.SYNC_INTERVAL_MINUTES,
    stopSync: (accountId) => syncs.cancelOfAccount(accountId),
    imap: { logger: log },
  });

  const step: InStep = (name, facts, work) => metrics.step(name, facts, () => inStepSpan(name, facts, work));
  const gate = createHostGate(database.pool);
  const deadlines = deadlinesOf(config.IMAP_TIMEOUT_SECONDS * 1000);
  const handler = createRunHandler({
    database,
    bus,
    log,
    retry: { maxRetries: config.SYNC_MAX_RETRIES, baseSeconds: config.SYNC_RETRY_BASE_SECONDS },
    timeLimitMs: config.SYNC_TIME_LIMIT_MINUTES * MINUTE_MS,
    async work({ run, lease }, { publish, signal, log: runLog }) {
      const account = await database.prisma.emailAccount.findUniqueOrThrow({ where: { id: run.accountId } });
      const count = metrics.work(run);
      const connect = () =>
        gate.connect({ host: account.imapHost, accountId: account.id, signal }, () =>
          metrics.connection(account.imapHost, async () =>
            openImapConnection(await accounts.loginOf(account), { signal, logger: runLog, deadlines }),
          ),
        );
      return inRunSpan(run, () =>
        runAccount({
          pool: database.pool,
          lease,
          mode: run.mode,
          mime,
          transactionMs: database.transactionMs,
          maxMessageBytes: config.MAX_MESSAGE_BYTES,
          connect: () => step('connect', {}, connect),
          publish(row) {
            count(row);
            publish(row);
          },
          step,
          log: runLog,
        }),
      );
    },
  });
  const isWorker = config.ROLES.includes('worker');
  const queue = isWorker ? createLocalQueue(config.SYNC_CONCURRENCY, handler, log) : RUN_ELSEWHERE;
  opened.defer(() => queue.close());
  const syncs: Syncs = createSyncs({ database, bus, queue, traceParent: currentTraceParent });

  const isApi = config.ROLES.includes('api');
  const node = { metrics, adminKey, logger: log };
  let server: FastifyInstance;
  if (isApi) {
    const services = {
      database,
      accounts,
      syncs,
      progress: metrics.progress(createProgressFeed(database.pool, bus, metrics.conflated)),
      timeline: metrics.events(createEventFeed(database.pool, bus)),
      isScheduled: config.SYNC_ENABLED,
    };
    // Apart from the threads of the syncs, so that neither waits for the other.
    const reading = createMimePool({ timeLimitMs: READING_MS });
    opened.defer(() => reading.close());
    server = await buildServer({
      ...node,
      services,
      readAttachment: (source, index) => reading.attachment(source, index),
      renderHtml: (html, source, options) => reading.htmlPage(html, source, options),
    });
  } else {
    server = buildNodeServer({ ...node, database });
  }
  opened.defer(() => server.close());
  const url = await server.listen({ host: config.HOST, port: config.PORT });
  if (isWorker) {
    const stopRecovery = await startRecovery({ database, bus, queue, maxRetries: config.SYNC_MAX_RETRIES, log });
    opened.defer(stopRecovery);
  }
  if (config.SYNC_ENABLED && config.ROLES.includes('scheduler')) {
    const intervalMinutes = config.SYNC_INTERVAL_MINUTES;
    opened.defer(startScheduler({ database, bus, queue, intervalMinutes, log }));
  }
  // A made one is shown only once: it is made last, when the start cannot fail any more, and where it is printed.
  const isShown = isApi && config.API_KEY === undefined;
  const newApiKey = isShown ? await ensureFirstTenant(database.prisma, undefined) : null;

  const running = opened.move();
  return { url, newApiKey, close: () => running.disposeAsync() };
}
