import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { truth } from '../../lab/assertions/server-truth.ts';
import { storedTruth, withDatabase } from '../../lab/assertions/stored-truth.ts';
import { mails } from '../../lab/mail/mails.ts';
import { openTunnel } from '../../lab/proxies/tunnel.ts';
import { dovecot, postgres, redisUrl } from '../../lab/servers/shared-servers.ts';
import { cluster } from '../../lab/service/cluster.ts';
import { addSecondTenant } from '../../lab/service/second-tenant.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import { connectAccount, eventsOf, finishedRun, startSync, syncRun, verifyChain } from '../../lab/service/sync.ts';
import { expectSteady, lastFrame, progressOf, watchSocket } from '../../lab/service/watch.ts';
import { waitFor } from '../../lab/wait.ts';

/** One slot for two tenants: `service` serves one, `other` the other. */
vi.setConfig({ testTimeout: 120_000 });
const SIZE = 1000;
const ONE_PLACE = { SYNC_CONCURRENCY: '1' };

const installations = {
  'from the rows': async (databaseUrl: string, opened: AsyncDisposableStack) =>
    opened.use(await startService({ databaseUrl, environment: ONE_PLACE })),
  'over BullMQ': (databaseUrl: string, opened: AsyncDisposableStack) => {
    const nodes = opened.use(cluster({ databaseUrl, redisUrl }));
    nodes.worker(ONE_PLACE);
    return nodes.api();
  },
};

describe.each(Object.entries(installations))('%s', (name, install) => {
  const opened = new AsyncDisposableStack();
  let databaseUrl: string;
  let service: Service;
  let other: Service;

  beforeAll(async () => {
    databaseUrl = await postgres.createDatabase();
    service = await install(databaseUrl, opened);
    const key = await addSecondTenant(databaseUrl);
    other = {
      ...service,
      async data<T>(query: string, variables = {}) {
        const { data, errors } = await service.ask<T>(query, variables, key);
        if (errors) throw new Error(JSON.stringify(errors));
        return data;
      },
    };
  });

  afterAll(() => opened.disposeAsync());

  /** Users of the two installations share a server. */
  const user = (one: string): string => `${one}-${name.replaceAll(' ', '-').toLowerCase()}`;

  const headway = (runId: string, more: number) =>
    waitFor(async () => (await syncRun(service, runId)).messagesProcessed > more, {
      what: 'headway of the import',
      timeoutMs: 30_000,
    });

  test('an endless import is preempted for another tenant, and resumes', async () => {
    await using tunnel = await openTunnel(dovecot);
    dovecot.addUser(user('import'), { INBOX: mails(0, SIZE) });
    dovecot.addUser(user('single'), { INBOX: mails(0, 20) });
    const account = await connectAccount(service, { ...dovecot, port: tunnel.port }, user('import'));
    const others = await Promise.all(
      Array.from({ length: 5 }, async (_, i) => {
        dovecot.addUser(user(`one-of-many-${i}`), { INBOX: mails(0, 5) });
        return connectAccount(service, dovecot, user(`one-of-many-${i}`));
      }),
    );
    const single = await connectAccount(other, dovecot, user('single'));

    // The server sends a part and then nothing: only preemption ends this attempt.
    tunnel.limit(600_000, 'hang');
    await using watcher = await watchSocket(service, progressOf(account));
    const runId = await startSync(service, account);
    await headway(runId, 0);
    const before = (await syncRun(service, runId)).messagesProcessed;
    const queued: string[] = [];
    // One after the other: their order is checked below.
    for (const id of others) queued.push(await startSync(service, id));
    const first = await finishedRun(other, await startSync(other, single));
    expect(first).toMatchObject({ status: 'SUCCEEDED', messagesProcessed: 20, attempt: 1 });
    // Then the import is next, before the later runs of its tenant. A job that is sent again is behind one of them.
    await headway(runId, before);
    for (const id of queued.slice(name === 'over BullMQ' ? 1 : 0))
      expect(await syncRun(service, id)).toMatchObject({ status: 'QUEUED', attempt: 1 });

    // Once more, and now the server answers.
    tunnel.unlimit();
    expect(await finishedRun(other, await startSync(other, single))).toMatchObject({ status: 'SUCCEEDED' });
    const run = await finishedRun(service, runId);
    expect(run).toMatchObject({ status: 'SUCCEEDED', attempt: 1, error: null, messagesProcessed: SIZE });
    expect(run.stats.messagesFetched).toBe(SIZE);
    for (const id of queued) expect(await finishedRun(service, id)).toMatchObject({ status: 'SUCCEEDED', attempt: 1 });

    // The run that preempted it came next, not another one of the preempted tenant.
    const begun = await withDatabase({ databaseUrl }, (client) =>
      client.query<{ name: string }>(
        `SELECT imap_username AS name FROM sync_run r JOIN email_account a ON a.id = r.account_id ORDER BY started_at LIMIT 2`,
      ),
    );
    expect(begun.rows.map((row) => row.name)).toEqual([user('import'), user('single')]);

    await waitFor(() => lastFrame(watcher, runId), { what: 'the last frame' });
    expectSteady(watcher.frames);
    expect(watcher.frames.filter(({ status }) => status === 'QUEUED').length).toBeGreaterThanOrEqual(2);
    expect(await storedTruth({ databaseUrl }, `${user('import')}@example.com`)).toEqual(
      await truth({ ...dovecot, user: user('import') }),
    );
    expect(await verifyChain(service, account)).toMatchObject({ ok: true });
    const ends = (await eventsOf(service, account)).filter(({ type }) => type.startsWith('sync_'));
    expect(ends).toMatchObject([{ type: 'sync_succeeded' }]);
  });

  test('a requested sync does not wait for scheduled ones, also of the same tenant', async () => {
    await using tunnel = await openTunnel(dovecot);
    for (const one of ['due', 'asked-for']) dovecot.addUser(user(one), { INBOX: mails(0, 500) });
    const due = await connectAccount(service, { ...dovecot, port: tunnel.port }, user('due'));
    const askedFor = await connectAccount(service, dovecot, user('asked-for'));
    tunnel.limit(300_000, 'hang');
    const slow = await startSync(service, due);
    await headway(slow, 0);
    await withDatabase({ databaseUrl }, (client) =>
      client.query(`UPDATE sync_run SET trigger = 'SCHEDULE' WHERE status = 'RUNNING'`),
    );
    tunnel.unlimit();
    const asked = await startSync(service, askedFor);
    expect(await finishedRun(service, asked)).toMatchObject({ status: 'SUCCEEDED', attempt: 1 });
    expect(await finishedRun(service, slow)).toMatchObject({ status: 'SUCCEEDED', attempt: 1, messagesProcessed: 500 });
  });
});
