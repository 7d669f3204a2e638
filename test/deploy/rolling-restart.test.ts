import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { truth } from '../../lab/assertions/server-truth.ts';
import { storedTruth, withDatabase } from '../../lab/assertions/stored-truth.ts';
import { mails } from '../../lab/mail/mails.ts';
import { dovecot, EMPTY, postgres, redisUrl } from '../../lab/servers/shared-servers.ts';
import { compose, composeEnv } from '../../lab/service/compose.ts';
import { scrape } from '../../lab/service/prometheus-text.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import { connectAccount, finishedRun, startSync, verifyChain } from '../../lab/service/sync.ts';
import { waitFor } from '../../lab/wait.ts';

/** The processes of compose.yaml, with their commands and settings, on this machine. */
vi.setConfig({ testTimeout: 240_000 });
const ROOT = join(import.meta.dirname, '../..');
const ACCOUNTS = 8;
const SIZE = 1000;

test('replacing every node during syncs loses, repeats and fails no run', async () => {
  const databaseUrl = await postgres.createDatabase(EMPTY);
  const settingsOf = (name: string): Record<string, string> => ({
    ...compose.services[name]!.environment,
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    REDIS_PREFIX: prefix,
    IMAP_ALLOW_PRIVATE_HOSTS: 'true',
    // No account becomes due before the end of the test.
    SYNC_ENABLED: 'true',
    SYNC_INTERVAL_MINUTES: '10080',
    // So that each of four workers gets some of the accounts.
    SYNC_CONCURRENCY: '2',
  });
  const prefix = `roll-${randomBytes(4).toString('hex')}`;
  const node = (name: string): Promise<Service> => startService({ databaseUrl, environment: settingsOf(name) });

  const migrated = execFileSync('sh', ['scripts/service.sh', ...compose.services['migrate']!.command!], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], ...settingsOf('migrate') },
    encoding: 'utf8',
  });
  expect(migrated).toContain('applied');

  await using running = new AsyncDisposableStack();
  const start = async (name: string): Promise<Service> => running.use(await node(name));
  const names = ['worker', 'worker', 'api', 'api', 'scheduler'];
  const old = await Promise.all(names.map(start));
  let [, , asked, other] = old as [Service, Service, Service, Service, Service];
  // The new workers start before the old ones stop, because a start takes longer than a sync does here.
  const newWorkers = await Promise.all(['worker', 'worker'].map(start));

  const connected: { user: string; id: string }[] = [];
  for (let i = 0; i < ACCOUNTS; i += 1) {
    const user = `rolled-${i}`;
    dovecot.addUser(user, { INBOX: mails(i * 50, i * 50 + SIZE) });
    connected.push({ user, id: await connectAccount(asked, dovecot, user) });
  }
  const begun = asked;
  const accounts = await Promise.all(
    connected.map(async (account) => ({ ...account, runId: await startSync(begun, account.id) })),
  );
  const rows = <T extends object>(sql: string): Promise<T[]> =>
    withDatabase({ databaseUrl }, async (client) => (await client.query<T>(sql)).rows);
  await waitFor(
    async () => (await rows(`SELECT 1 FROM sync_run WHERE status = 'RUNNING' AND messages_processed > 0`)).length >= 6,
    {
      what: 'runs to be in the middle, on all workers',
      timeoutMs: 60_000,
    },
  );

  for (const [i, name] of names.entries()) {
    const successor = newWorkers[i] ?? (await start(name));
    if (old[i] === asked) asked = successor;
    if (old[i] === other) other = successor;
    expect(await old[i]!.stop('SIGTERM'), `${name}\n${old[i]!.log().slice(-2000)}`).toBe(0);
    // One of the nodes always answers.
    expect(await asked.data('{ viewer { tenant { name } } }')).toEqual({ viewer: { tenant: { name: 'default' } } });
  }

  for (const { user, id, runId } of accounts) {
    expect(await finishedRun(other, runId), user).toMatchObject({ status: 'SUCCEEDED', messagesProcessed: SIZE });
    expect(await storedTruth({ databaseUrl }, `${user}@example.com`)).toEqual(await truth({ ...dovecot, user }));
    expect(await verifyChain(other, id)).toMatchObject({ ok: true });
  }
  const [runs] = await rows<{ all: number; retries: number; losses: number; attempts: number }>(
    `SELECT count(*)::int AS "all", sum(retries)::int AS retries, sum(losses)::int AS losses,
       max(attempt)::int AS attempts FROM sync_run`,
  );
  expect(runs).toMatchObject({ all: ACCOUNTS, retries: 0, losses: 0 });
  // Otherwise no run was active when its worker stopped.
  expect(runs!.attempts).toBeGreaterThan(1);
  const now = await scrape(other, { authorization: `Bearer ${composeEnv['ADMIN_KEY']}` });
  expect(now.value('mailtide_runs')).toBe(0);
});
