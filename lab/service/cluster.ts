import { randomBytes } from 'node:crypto';
import { type MainProcess, runMain } from './main-process.ts';
import type { Service } from './service.ts';
import { startService } from './service.ts';

/** Processes of one installation: one PostgreSQL, one Redis, and any number of nodes with the given roles. */
export type Cluster = AsyncDisposable & {
  readonly apiKey: string;
  readonly adminKey: string;
  /** REDIS_PREFIX. */
  readonly prefix: string;
  /** Starts a node that serves the API; ROLES=api by default. */
  api(environment?: Record<string, string>): Promise<Service>;
  /** Starts a node that serves no API; ROLES=worker by default. */
  worker(environment?: Record<string, string>): MainProcess;
};

export function cluster(at: { databaseUrl: string; redisUrl?: string }): Cluster {
  const apiKey = `mt_test_${randomBytes(32).toString('base64url')}`;
  const adminKey = randomBytes(32).toString('base64url');
  const nodes: AsyncDisposable[] = [];
  const prefix = `test-${randomBytes(6).toString('hex')}`;
  const shared = {
    API_KEY: apiKey,
    ADMIN_KEY: adminKey,
    REDIS_PREFIX: prefix,
    ...(at.redisUrl ? { REDIS_URL: at.redisUrl } : {}),
  };
  return {
    apiKey,
    adminKey,
    prefix,
    async api(environment = {}) {
      const node = await startService({
        databaseUrl: at.databaseUrl,
        environment: { ...shared, ROLES: 'api', ...environment },
      });
      nodes.push(node);
      return node;
    },
    worker(environment = {}) {
      const node = runMain({
        ...shared,
        DATABASE_URL: at.databaseUrl,
        ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
        ROLES: 'worker',
        SYNC_ENABLED: 'false',
        SYNC_MAX_RETRIES: '0',
        ...environment,
      });
      nodes.push(node);
      return node;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
    },
  };
}
