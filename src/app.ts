import type { Logger } from 'pino';
import { createAccounts } from './accounts/accounts.ts';
import { openKeyring } from './accounts/keyring.ts';
import type { Config } from './config.ts';
import { deadlinesOf } from './imap/deadlines.ts';
import { openImapConnection } from './imap/open-connection.ts';
import { createSyncs } from './jobs/create-syncs.ts';
import { createLocalQueue } from './jobs/local-queue.ts';
import { startRecovery } from './jobs/recovery.ts';
import { createRunHandler } from './jobs/run-handler.ts';
import { RUN_ELSEWHERE } from './jobs/sync-queue.ts';
import type { Syncs } from './jobs/syncs.ts';
import { createProgressFeed } from './live/create-progress-feed.ts';
import { createLocalProgressBus } from './live/progress-bus.ts';
import { createMimePool } from './mime/mime-pool.ts';
import { buildServer } from './server/build-server.ts';
import { openDatabase } from './store/database.ts';
import { ensureFirstTenant } from './store/tenants.ts';
import { runAccount } from './sync/run-account.ts';

export interface App {
  /** Where it listens, e.g. `http://127.0.0.1:4000`; null without the api role. */
  readonly url: string | null;
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

  const database = await openDatabase({ url: config.DATABASE_URL, dataDir: config.DATA_DIR });
  opened.defer(() => database.close());
  const newApiKey = await ensureFirstTenant(database.prisma, config.API_KEY);
  const keyring = await openKeyring({ encryptionKey: config.ENCRYPTION_KEY, dataDir: config.DATA_DIR });

  const bus = createLocalProgressBus();
  const mime = createMimePool({});
  opened.defer(() => mime.close());
  const accounts = createAccounts({
    database,
    keyring,
    policy: { allowPrivateHosts: config.IMAP_ALLOW_PRIVATE_HOSTS },
    beforeDelete: (accountId) => syncs.cancelOfAccount(accountId),
    imap: { logger: log },
  });

  const deadlines = deadlinesOf(config.IMAP_TIMEOUT_SECONDS * 1000);
  const handler = createRunHandler({
    database,
    bus,
    log,
    async work({ run, lease }, { publish, signal, log: runLog }) {
      const account = await database.prisma.emailAccount.findUniqueOrThrow({ where: { id: run.accountId } });
      await runAccount({
        pool: database.pool,
        lease,
        mode: run.mode,
        mime,
        maxMessageBytes: config.MAX_MESSAGE_BYTES,
        connect: async () => openImapConnection(await accounts.loginOf(account), { signal, logger: runLog, deadlines }),
        publish,
        log: runLog,
      });
    },
  });
  const isWorker = config.ROLES.includes('worker');
  const queue = isWorker ? createLocalQueue(config.SYNC_CONCURRENCY, handler) : RUN_ELSEWHERE;
  opened.defer(() => queue.close());
  const syncs: Syncs = createSyncs({ database, bus, queue });

  let url: string | null = null;
  if (config.ROLES.includes('api')) {
    const services = { database, accounts, syncs, progress: createProgressFeed(database.pool, bus) };
    const server = await buildServer({
      services,
      readAttachment: (source, index) => mime.attachment(source, index),
      logger: log,
    });
    opened.defer(() => server.close());
    url = await server.listen({ host: config.HOST, port: config.PORT });
  }
  if (isWorker) {
    const stopRecovery = await startRecovery({ database, bus, queue, log });
    opened.defer(stopRecovery);
  }

  const running = opened.move();
  return { url, newApiKey, close: () => running.disposeAsync() };
}
