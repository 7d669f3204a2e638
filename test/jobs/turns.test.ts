import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { mails } from '../support/mails.ts';
import { addSecondTenant } from '../support/second-tenant.ts';
import { dovecot, postgres } from '../support/servers.ts';
import { type Service, startService } from '../support/service.ts';
import { storedTruth, withDatabase } from '../support/stored-truth.ts';
import { connectAccount, eventsOf, finishedRun, startSync, syncRun, verifyChain } from '../support/sync.ts';
import { truth } from '../support/truth.ts';
import { openTunnel } from '../support/tunnel.ts';
import { waitFor } from '../support/wait.ts';
import { expectSteady, lastFrame, progressOf, watchSocket } from '../support/watch.ts';

/** One place to sync for two tenants: `service` is the one, `other` is the other. */
vi.setConfig({ testTimeout: 120_000 });
const SIZE = 1000;
let databaseUrl: string;
let service: Service;
let other: Service;

beforeAll(async () => {
  databaseUrl = await postgres.createDatabase();
  service = await startService({ databaseUrl, environment: { SYNC_CONCURRENCY: '1' } });
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

afterAll(() => service?.stop());

const headway = (runId: string, more: number) =>
  waitFor(async () => (await syncRun(service, runId)).messagesProcessed > more, {
    what: 'headway of the import',
    timeoutMs: 30_000,
  });

test('an import that would go on for ever gives way to another tenant, and goes on where it was', async () => {
  await using tunnel = await openTunnel(dovecot);
  dovecot.addUser('import', { INBOX: mails(0, SIZE) });
  dovecot.addUser('single', { INBOX: mails(0, 20) });
  const account = await connectAccount(service, { ...dovecot, port: tunnel.port }, 'import');
  const others = await Promise.all(
    Array.from({ length: 5 }, async (_, i) => {
      dovecot.addUser(`one-of-many-${i}`, { INBOX: mails(0, 5) });
      return connectAccount(service, dovecot, `one-of-many-${i}`);
    }),
  );
  const single = await connectAccount(other, dovecot, 'single');

  // The server sends some of it, then keeps silent: nothing but giving way ends this attempt.
  tunnel.limit(600_000, 'hang');
  await using watcher = await watchSocket(service, progressOf(account));
  const runId = await startSync(service, account);
  await headway(runId, 0);
  const before = (await syncRun(service, runId)).messagesProcessed;
  const queued = await Promise.all(others.map((id) => startSync(service, id)));
  const first = await finishedRun(other, await startSync(other, single));
  expect(first).toMatchObject({ status: 'SUCCEEDED', messagesProcessed: 20, attempt: 1 });
  // Then it is the turn of the import again, not of those of its tenant that came after it.
  await headway(runId, before);
  for (const id of queued) expect(await syncRun(service, id)).toMatchObject({ status: 'QUEUED', attempt: 1 });

  // Once more, and this time the server is well.
  tunnel.unlimit();
  expect(await finishedRun(other, await startSync(other, single))).toMatchObject({ status: 'SUCCEEDED' });
  const run = await finishedRun(service, runId);
  expect(run).toMatchObject({ status: 'SUCCEEDED', attempt: 1, error: null, messagesProcessed: SIZE });
  expect(run.stats.messagesFetched).toBe(SIZE);
  for (const id of queued) expect(await finishedRun(service, id)).toMatchObject({ status: 'SUCCEEDED', attempt: 1 });

  await waitFor(() => lastFrame(watcher, runId), { what: 'the last frame' });
  expectSteady(watcher.frames);
  expect(watcher.frames.filter(({ status }) => status === 'QUEUED').length).toBeGreaterThanOrEqual(2);
  expect(await storedTruth({ databaseUrl }, 'import@example.com')).toEqual(await truth({ ...dovecot, user: 'import' }));
  expect(await verifyChain(service, account)).toMatchObject({ ok: true });
  const ends = (await eventsOf(service, account)).filter(({ type }) => type.startsWith('sync_'));
  expect(ends).toMatchObject([{ type: 'sync_succeeded' }]);
});

test('what a person asks for does not wait for what the schedule does, also of one tenant', async () => {
  await using tunnel = await openTunnel(dovecot);
  for (const name of ['due', 'asked-for']) dovecot.addUser(name, { INBOX: mails(0, 500) });
  const due = await connectAccount(service, { ...dovecot, port: tunnel.port }, 'due');
  const askedFor = await connectAccount(service, dovecot, 'asked-for');
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
