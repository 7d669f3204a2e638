import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setInterval as every } from 'node:timers/promises';
import { freePort } from '../lab/servers/free-port.ts';
import { startPostgres } from '../lab/servers/postgres.ts';
import { startRedis } from '../lab/servers/redis.ts';
import { waitFor } from '../lab/wait.ts';
import {
  CreateEmailAccountDocument,
  StartEmailSyncDocument,
  SyncProgressDocument,
} from '../src/generated/gql/graphql.ts';
import { type Api, createApi } from './api.ts';
import { Children } from './children.ts';
import { createLineWriter, progressLine } from './progress-line.ts';
import type { SampleServer } from './sample-imap.ts';
import { signInLink } from './stage.ts';

/**
 * `npm run cluster`: an installation of several processes on this machine, to try: PostgreSQL, Redis, two API nodes,
 * two workers, two schedulers, and a sample mailbox whose sync starts at one node and is watched at another. Everything
 * is on loopback and in temporary directories; Ctrl-C ends it.
 */
const NEW_MAIL_EVERY_MS = 20_000;
const START_WITHIN_MS = 60_000;

const screen = createLineWriter(process.stdout);
await using opened = new AsyncDisposableStack();
const interrupted = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => resolve());
});
const children = new Children();
try {
  await Promise.race([run(), interrupted, children.failure]);
  screen.print('Stopping.');
} catch (error) {
  screen.print(`The cluster failed: ${(error as Error).message}`);
  process.exitCode = 1;
}
await children.stop();
await opened.disposeAsync();
process.exit();

async function run(): Promise<never> {
  screen.print('Starting PostgreSQL, Redis, six nodes and a sample mailbox ...');
  const postgres = opened.use(await startPostgres());
  const redis = opened.use(await startRedis());
  const key = `mt_cluster_${randomBytes(32).toString('base64url')}`;
  const adminKey = randomBytes(32).toString('base64url');
  const shared = {
    DATABASE_URL: await postgres.createDatabase(),
    REDIS_URL: redis.url,
    API_KEY: key,
    ADMIN_KEY: adminKey,
    ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    SYNC_INTERVAL_MINUTES: '1',
  };
  const node = async (name: string, role: string): Promise<string> => {
    const port = String(await freePort());
    children.start(name, ['sh', 'scripts/service.sh', 'src/main.ts'], { ...shared, ROLES: role, PORT: port });
    const url = `http://127.0.0.1:${port}`;
    await waitFor(async () => (await fetch(`${url}/readyz`)).ok, {
      what: `${name} to be ready`,
      timeoutMs: START_WITHIN_MS,
    });
    return url;
  };
  const sample = children.start('sample IMAP server', [process.execPath, 'demo/sample-imap.ts']);
  const listening = once(sample, 'message') as Promise<[SampleServer]>;
  // The first one creates the tables.
  const first = await node('API 1', 'api');
  const [second, ...others] = await Promise.all([
    node('API 2', 'api'),
    node('worker 1', 'worker'),
    node('worker 2', 'worker'),
    node('scheduler 1', 'scheduler'),
    node('scheduler 2', 'scheduler'),
  ]);
  const [{ port, messages, username, password }] = await listening;
  screen.print(links(createApi(first, key), second, others, adminKey));

  const [api, watching] = [createApi(first, key), createApi(second, key)];
  const { createEmailAccount } = await api.ask(CreateEmailAccountDocument, {
    input: {
      emailAddress: 'sample@example.com',
      imap: { host: '127.0.0.1', port, security: 'NONE', username },
      credentials: { password },
    },
  });
  const accountId = createEmailAccount.id;
  screen.print(`Syncing ${messages} messages: started at the first API node, watched at the second.\n`);
  void showProgress(watching, accountId).catch(() => screen.print('The watched node has stopped.\n'));
  await api.ask(StartEmailSyncDocument, { accountId });
  for await (const _ of every(NEW_MAIL_EVERY_MS)) sample.send('deliver');
  throw new Error('unreachable: an interval has no end');
}

async function showProgress(api: Api, accountId: string): Promise<void> {
  for await (const { syncProgress } of api.subscribe(SyncProgressDocument, { accountId })) {
    screen.redraw((columns) => progressLine(syncProgress, columns));
  }
}

function links(api: Api, second: string, others: readonly string[], adminKey: string): string {
  return `
  Page        ${signInLink(api)}
  GraphiQL    ${signInLink(api, '/graphql')}
  The same at the other node: ${second}/sign-in?key=${api.key}

  Dashboard   ${api.url}/queues   (any user name, password ${adminKey})
  Metrics     curl -H 'Authorization: Bearer ${adminKey}' ${api.url}/metrics
              and of the workers and schedulers at ${others.join(', ')}

  Logs        ${children.folder}/*.log. Kill any process to see what becomes of it: pgrep -af src/main.ts
  The schedule syncs every minute, a new message arrives every ${NEW_MAIL_EVERY_MS / 1000} s. Ctrl-C ends everything.
`;
}
