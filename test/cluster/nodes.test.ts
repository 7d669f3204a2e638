import { readFileSync } from 'node:fs';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { truth } from '../../lab/assertions/server-truth.ts';
import { storedTruth } from '../../lab/assertions/stored-truth.ts';
import { mails } from '../../lab/mail/mails.ts';
import { openFaultProxy } from '../../lab/proxies/fault-proxy.ts';
import { dovecot, postgres, redisUrl } from '../../lab/servers/shared-servers.ts';
import { type Cluster, cluster } from '../../lab/service/cluster.ts';
import { openEventStream } from '../../lab/service/event-stream.ts';
import type { Service } from '../../lab/service/service.ts';
import { connectAccount, finishedRun, startSync, sync, syncRun } from '../../lab/service/sync.ts';
import { expectSteady, lastFrame, progressOf, watchEvents, watchSocket } from '../../lab/service/watch.ts';
import { waitFor } from '../../lab/wait.ts';

/** Two API nodes and a worker, as processes that share a PostgreSQL and a Redis. */
vi.setConfig({ testTimeout: 120_000 });
const SIZE = 2000;
let databaseUrl: string;
let nodes: Cluster;
let one: Service;
let other: Service;

beforeAll(async () => {
  databaseUrl = await postgres.createDatabase();
  nodes = cluster({ databaseUrl, redisUrl });
  one = await nodes.api();
  other = await nodes.api();
  nodes.worker();
});

afterAll(() => nodes?.[Symbol.asyncDispose]());

test("a subscriber at any node sees another node's run in order and to its end", async () => {
  dovecot.addUser('cluster-watched', { INBOX: mails(0, SIZE) });
  const account = await connectAccount(one, dovecot, 'cluster-watched');
  await using early = await watchSocket(other, progressOf(account));
  await using same = await watchEvents(one, progressOf(account));
  const runId = await startSync(one, account);
  await waitFor(() => early.frames.some(({ messagesProcessed }) => messagesProcessed > SIZE / 10), {
    what: 'the middle of the run',
    timeoutMs: 60_000,
  });
  await using late = await watchSocket(other, progressOf(account));
  const watchers = [early, same, late];
  for (const watcher of watchers) {
    await waitFor(() => lastFrame(watcher, runId), { what: 'the last frame', timeoutMs: 60_000 });
  }
  const run = await finishedRun(other, runId);
  expect(run).toMatchObject({ status: 'SUCCEEDED', messagesProcessed: SIZE });
  for (const { frames, errors } of watchers) {
    expect(errors).toEqual([]);
    expectSteady(frames);
    expect(frames.at(-1)).toMatchObject({ status: 'SUCCEEDED', messagesProcessed: SIZE, stats: run.stats });
  }
  expect(early.frames[0]).toMatchObject({ runId, status: 'QUEUED' });
  // A batch is at most two hundred messages, so these frames came one by one, not from polling the row.
  expect(early.frames.length).toBeGreaterThan(SIZE / 200);
  expect(late.frames[0]).toMatchObject({ runId, status: 'RUNNING' });
});

test('a subscriber at any node receives account changes made at another node', async () => {
  const stream = () =>
    openEventStream(other.url, 'subscription { accountChanges { accountId account { isActive } } }', {
      authorization: `Bearer ${other.apiKey}`,
    });
  const [first, second] = await Promise.all([stream(), stream()]);
  const changes = ({ events }: typeof first) =>
    events.flatMap(({ event, data }) =>
      event === 'next' ? [(data as { data: { accountChanges: unknown } }).data.accountChanges] : [],
    );
  try {
    dovecot.addUser('cluster-changed');
    const accountId = await connectAccount(one, dovecot, 'cluster-changed');
    const expected: unknown[] = [{ accountId, account: { isActive: true } }];
    const both = (what: string) =>
      waitFor(() => changes(first).length === expected.length && changes(second).length === expected.length, { what });
    await both('the account that was added');
    await one.data('mutation ($id: ID!) { updateEmailAccount(id: $id, input: { isActive: false }) { id } }', {
      id: accountId,
    });
    expected.push({ accountId, account: { isActive: false } });
    await both('the account that was paused');
    await one.data('mutation ($id: ID!) { deleteEmailAccount(id: $id) }', { id: accountId });
    expected.push({ accountId, account: null });
    await both('the account that was deleted');
    expect(changes(first)).toEqual(expected);
    expect(changes(second)).toEqual(expected);
  } finally {
    first.close();
    second.close();
  }
});

test('a timeline subscription works at any node', async () => {
  dovecot.addUser('cluster-events', { INBOX: mails(0, 5) });
  const account = await connectAccount(one, dovecot, 'cluster-events');
  const types: string[] = [];
  const socket = other.webSocket();
  const query = `subscription { events(accountId: ${JSON.stringify(account)}, afterSeq: 0) { type } }`;
  const stop = socket.subscribe<{ events: { type: string } }>(
    { query },
    {
      next: ({ data }) => void types.push(data!.events.type),
      error: (error) => void types.push(JSON.stringify(error)),
      complete() {},
    },
  );
  await sync(one, account);
  await waitFor(() => types.includes('sync_succeeded'), { what: 'the closing event' });
  expect(types.filter((type) => type === 'email_received')).toHaveLength(5);
  stop();
  await socket.dispose();
});

test('cancelling at one node stops a run on another, even at a silent server', async () => {
  dovecot.addUser('cluster-cancelled', { INBOX: mails(0, 500) });
  await using silent = await openFaultProxy(dovecot);
  silent.fault = {
    command({ name }, wire) {
      if (name === 'UID FETCH') wire.hang();
      return undefined;
    },
  };
  const account = await connectAccount(one, { ...dovecot, port: silent.port }, 'cluster-cancelled', { verify: false });
  const runId = await startSync(one, account);
  await waitFor(() => silent.commands.some((line) => line.includes('UID FETCH')), { what: 'the server to be silent' });
  const began = performance.now();
  await other.data('mutation ($id: ID!) { cancelEmailSync(runId: $id) { status } }', { id: runId });
  expect(await syncRun(one, runId)).toMatchObject({ status: 'CANCELLED' });
  await waitFor(async () => (await board('/api/queues?status=active')).queues[0].jobs.length === 0, {
    what: 'the worker to drop the connection',
    timeoutMs: 5000,
  });
  // The heartbeat alone would notice after up to five seconds.
  expect(performance.now() - began).toBeLessThan(4000);
  silent.fault = null;
  await sync(one, account);
});

// biome-ignore lint/suspicious/noExplicitAny: the dashboard's own answers, of which only some fields are read.
async function board(path: string): Promise<any> {
  const answer = await fetch(`${one.url}/queues${path}`, { headers: { authorization: `Bearer ${nodes.adminKey}` } });
  expect(answer.status).toBe(200);
  return answer.json();
}

test('the queue dashboard, a request without its key, is refused', async () => {
  const status = async (authorization?: string) =>
    (await fetch(`${one.url}/queues`, authorization ? { headers: { authorization } } : {})).status;
  const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;
  expect(await status()).toBe(401);
  expect(await status(`Bearer ${nodes.apiKey}`)).toBe(401);
  expect(await status(basic(`admin:${nodes.adminKey}x`))).toBe(401);
  expect(await status(basic(nodes.adminKey))).toBe(200);
  expect(await status(basic(`anybody:${nodes.adminKey}`))).toBe(200);
  expect(await status(`Bearer ${nodes.adminKey}`)).toBe(200);
  const files = [
    ...(
      await (await fetch(`${one.url}/queues`, { headers: { authorization: `Bearer ${nodes.adminKey}` } })).text()
    ).matchAll(/src="([^"]+)"/g),
  ];
  expect((await fetch(`${one.url}/queues/${files[0]![1]}`)).status).toBe(401);
});

test('the dashboard shows runs, errors and rates, and loads nothing external', async () => {
  dovecot.addUser('cluster-shown', { INBOX: mails(0, 3) });
  const account = await connectAccount(one, dovecot, 'cluster-shown');
  const run = await sync(one, account);
  await one.data(
    'mutation ($id: ID!) { updateEmailAccount(id: $id, input: { credentials: { password: "wrong" }, verify: false }) { id } }',
    { id: account },
  );
  const failed = await startSync(one, account);
  expect(await finishedRun(one, failed)).toMatchObject({ status: 'FAILED', error: { code: 'IMAP_AUTH_FAILED' } });

  const jobOf = (status: string) =>
    waitFor(
      async () => {
        const { queues } = await board(`/api/queues?activeQueue=syncs&status=${status}`);
        return queues[0].jobs.find(
          ({ data }: { data: { emailAddress: string } }) => data.emailAddress === 'cluster-shown@example.com',
        );
      },
      { what: `the ${status} job` },
    );
  const id = (globalId: string) => Buffer.from(globalId, 'base64url').toString().split(':')[1];
  expect(await jobOf('completed')).toMatchObject({
    id: expect.stringContaining(id(run.id)!),
    name: 'cluster-shown@example.com',
    data: { runId: id(run.id), accountId: id(account), attempt: 1, trigger: 'USER' },
    progress: 100,
    returnValue: { status: 'SUCCEEDED', messagesCreated: 3 },
  });
  expect(await jobOf('failed')).toMatchObject({
    id: expect.stringContaining(id(failed)!),
    failedReason: expect.stringMatching(/^IMAP_AUTH_FAILED: /),
  });
  const { workers } = await board('/api/queues/syncs/workers');
  expect(workers).toMatchObject([{ name: expect.stringMatching(/-\d+$/) }]);
  // Finished runs, and how many since the last full minute.
  expect((await board('/api/queues/syncs/metrics?type=completed')).completed.meta.count).toBeGreaterThan(0);
  // Read-only: changes to runs go through the rows.
  const emptied = await fetch(`${one.url}/queues/api/queues/syncs/empty`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${nodes.adminKey}` },
  });
  expect(emptied.status).toBe(405);

  const page = await fetch(`${one.url}/queues`, { headers: { authorization: `Bearer ${nodes.adminKey}` } });
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  const html = await page.text();
  expect(html).not.toMatch(/(href|src)="(https?:)?\/\//);
  // Without this, the page loads the rates but does not show them.
  expect(html).toMatch(/"showMetrics":\s*true/);
});

test('the queue dashboard, no ADMIN_KEY, is not served', async () => {
  const node = await nodes.api({ ADMIN_KEY: '' });
  expect((await fetch(`${node.url}/queues`)).status).toBe(404);
  expect(node.log()).toContain('ADMIN_KEY is not set');
  await node.stop();
});

test('an API node loads neither IMAP nor the parser before a connection test', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'loaded-'));
  const [hook, list] = [join(folder.path, 'hook.mjs'), join(folder.path, 'modules')];
  await writeFile(list, '');
  await writeFile(
    hook,
    `import { appendFileSync } from 'node:fs';
     import { registerHooks } from 'node:module';
     registerHooks({ load(url, context, next) { appendFileSync(${JSON.stringify(list)}, url + '\\n'); return next(url, context); } });`,
  );
  const loaded = () => readFileSync(list, 'utf8');
  const node = await nodes.api({ NODE_OPTIONS: `--import=${hook}` });
  const FORBIDDEN =
    /node_modules\/(imapflow|mailparser|libmime|piscina)\/|src\/(sync|mime)\/|src\/imap\/(connection|open-connection|session)/;
  await node.data('{ viewer { tenant { name } } emailAccounts { edges { node { id } } } }');
  expect(loaded()).toContain('src/server/build-server.ts');
  expect(
    loaded()
      .split('\n')
      .filter((url) => FORBIDDEN.test(url)),
  ).toEqual([]);
  dovecot.addUser('cluster-lazy');
  await connectAccount(node, dovecot, 'cluster-lazy');
  expect(loaded()).toMatch(/node_modules\/imapflow\//);
  await node.stop();
});

test('the database of the installation equals the mail server', async () => {
  for (const user of ['cluster-watched', 'cluster-events', 'cluster-cancelled', 'cluster-shown']) {
    expect(await storedTruth({ databaseUrl }, `${user}@example.com`)).toEqual(await truth({ ...dovecot, user }));
  }
});
