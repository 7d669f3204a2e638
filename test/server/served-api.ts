import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { newDataDir } from '../../lab/service/embedded-template.ts';
import { createAccounts } from '../../src/accounts/accounts.ts';
import { openKeyring } from '../../src/accounts/keyring.ts';
import { createLogins } from '../../src/accounts/logins.ts';
import { highlightsOf } from '../../src/domain/highlights.ts';
import type { Services } from '../../src/graphql/context.ts';
import { createSyncs } from '../../src/jobs/create-syncs.ts';
import { RUN_ELSEWHERE } from '../../src/jobs/queue/sync-queue.ts';
import { createAccountFeed } from '../../src/live/create-account-feed.ts';
import { createEventFeed } from '../../src/live/create-event-feed.ts';
import { createProgressFeed } from '../../src/live/create-progress-feed.ts';
import { createLocalBuses, type ProgressBus } from '../../src/live/progress-bus.ts';
import { htmlPage } from '../../src/mime/html-page.ts';
import { hasRemoteImages } from '../../src/mime/remote-images.ts';
import { createGrantTokens } from '../../src/oauth/grant-tokens.ts';
import { createProviderClients } from '../../src/oauth/provider-clients.ts';
import { createSignIns } from '../../src/oauth/sign-ins.ts';
import type { AccessSettings } from '../../src/server/access.ts';
import { buildServer } from '../../src/server/build-server.ts';
import { type Database, openDatabase } from '../../src/store/plumbing/database.ts';
import { addTenant } from '../../src/store/tenancy/tenants.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';

export interface ServedApi {
  readonly url: string;
  readonly database: Database;
  readonly bus: ProgressBus;
  readonly alice: TestTenant;
  readonly bob: TestTenant;
  /** Every line that the service has logged. */
  readonly log: string[];
  /** The answer to a POST to /graphql by this tenant. */
  ask(tenant: TestTenant, query: string, variables?: object): Promise<Answer>;
  /** How many statements the database received while `work` ran. */
  statements(work: () => Promise<unknown>): Promise<number>;
  close(): Promise<void>;
}

export interface TestTenant {
  readonly id: string;
  readonly key: string;
}

// biome-ignore lint/suspicious/noExplicitAny: tests read answers of any shape, and compare them whole.
export type Answer = { data?: any; errors?: { message: string; extensions: { code: string } }[] };

export const errorCodes = ({ errors }: Answer): string[] | undefined => errors?.map((one) => one.extensions.code);

/** Longer than any test, in milliseconds: tests that count statements need a service without periodic ones. */
const NEVER = 2 ** 30;

/** The API as it is served, on its own database, without a worker for the started syncs. */
export async function serveApi(
  overrides: (services: Services) => Partial<Services> = (same) => same,
  options: { access?: Partial<AccessSettings>; revocationCheckMs?: number; queryTimeLimitMs?: number } = {},
): Promise<ServedApi> {
  const dataDir = newDataDir();
  const database = await openDatabase({ url: undefined, dataDir });
  const { prisma, pool } = database;
  const log: string[] = [];
  const { progress: bus, accounts: changes } = createLocalBuses();
  const keyring = await openKeyring({ encryptionKey: randomBytes(32).toString('base64'), dataDir });
  const policy = { allowPrivateHosts: true };
  const clients = createProviderClients([], { policy });
  const logger = pino({ level: 'debug' }, { write: (line: string) => log.push(line) });
  const tokens = createGrantTokens({ pool, keyring, clients, log: logger });
  const connecting = {
    database,
    keyring,
    intervalMinutes: 15,
    stopSync: async () => {},
    onChange: (tenantId: string, accountId: string) => changes.publish({ tenantId, accountId }),
  };
  const accounts = createAccounts({
    ...connecting,
    policy,
    logins: createLogins(keyring, policy, (id) => tokens.accessToken(id)),
  });
  const services: Services = {
    database,
    syncs: createSyncs({ database, bus, queue: RUN_ELSEWHERE }),
    progress: createProgressFeed(pool, { progress: bus, accounts: changes }),
    timeline: createEventFeed(pool, bus),
    accountChanges: createAccountFeed(pool, changes),
    textWork: () => ({
      highlights: async (messages, search) => highlightsOf(messages, search),
      hasRemoteImages: async (html) => hasRemoteImages(html),
    }),
    isScheduled: true,
    accounts,
    signIns: createSignIns({
      ...connecting,
      clients,
      accounts,
      startSync: async () => {},
      publicUrl: 'https://mailtide.example.com',
      log: logger,
    }),
  };
  const app = await buildServer({
    services: { ...services, ...overrides(services) },
    readAttachment: async (source, { index }) =>
      index === 0 ? { filename: null, content: source.subarray(0, 5) } : null,
    renderHtml: (html, source, options) => htmlPage({ html, source: new Uint8Array(source), ...options }),
    logger,
    metrics: createMetrics({ pool, log: logger, namesHosts: false }),
    adminKey: undefined,
    access: { isLoopback: true, publicUrl: undefined, trustedProxies: ['loopback'], ...options.access },
    revocationCheckMs: options.revocationCheckMs ?? NEVER,
    queryTimeLimitMs: options.queryTimeLimitMs,
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;

  async function tenant(name: string): Promise<TestTenant> {
    const key = await addTenant(prisma, name);
    return { key, id: (await prisma.tenant.findUniqueOrThrow({ where: { name } })).id };
  }

  return {
    url,
    database,
    bus,
    log,
    alice: await tenant('alice'),
    bob: await tenant('bob'),
    async ask({ key }, query, variables) {
      const response = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ query, variables }),
      });
      return (await response.json()) as Answer;
    },
    async statements(work) {
      let count = 0;
      const counted = () => count++;
      pool.on('acquire', counted);
      await work();
      pool.off('acquire', counted);
      return count;
    },
    async close() {
      await app.close();
      await database.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
