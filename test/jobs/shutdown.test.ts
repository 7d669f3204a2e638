import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { truth } from '../../lab/assertions/server-truth.ts';
import { storedTruth, withDatabase } from '../../lab/assertions/stored-truth.ts';
import { mails } from '../../lab/mail/mails.ts';
import { processesOf } from '../../lab/servers/left-behind.ts';
import { dovecot, postgres } from '../../lab/servers/shared-servers.ts';
import { runMain } from '../../lab/service/main-process.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import { connectAccount, finishedRun, startSync, sync, syncRun } from '../../lab/service/sync.ts';
import { ACTIVITY, expectSteady, lastFrame, progressOf, watchEvents, watchSocket } from '../../lab/service/watch.ts';
import { waitFor } from '../../lab/wait.ts';

const API_KEY = `mt_test_${randomBytes(32).toString('base64url')}`;
const SIZE = 2000;
vi.setConfig({ testTimeout: 120_000 });

const middleOf = (service: Service, runId: string) =>
  waitFor(
    async () => {
      const { messagesProcessed } = await syncRun(service, runId);
      return messagesProcessed > 200 && messagesProcessed;
    },
    { what: 'the middle of the run', timeoutMs: 60_000 },
  );

async function timed<T>(work: Promise<T>): Promise<[T, number]> {
  const began = performance.now();
  return [await work, performance.now() - began];
}

test('SIGTERM during a sync: the run waits for the next start, which resumes it', async () => {
  const user = 'shutdown-middle';
  dovecot.addUser(user, { INBOX: mails(0, SIZE) });
  const databaseUrl = await postgres.createDatabase();
  const first = await startService({ databaseUrl, environment: { API_KEY } });
  const account = await connectAccount(first, dovecot, user);
  const runId = await startSync(first, account);
  const socket = await watchSocket(first, progressOf(account));
  const events = await watchEvents(first, ACTIVITY);
  const middle = await middleOf(first, runId);

  const [code, took] = await timed(first.stop('SIGTERM'));
  expect(code).toBe(0);
  expect(took).toBeLessThan(10_000);
  expect([await socket.closed, await events.closed]).toEqual([1001, null]);
  expect([...socket.errors, ...events.errors]).toEqual([]);
  expect(first.log()).not.toMatch(/"level":[56]0/);

  const rows = await withDatabase({ databaseUrl }, async (client) => {
    const run = await client.query(
      `SELECT status, phase, attempt, lease_token, lease_expires_at, messages_processed FROM sync_run`,
    );
    const stored = await client.query(`SELECT count(*)::int AS n FROM message_location WHERE state = 'STORED'`);
    return { run: run.rows, stored: stored.rows[0].n as number };
  });
  const kept = { status: 'QUEUED', phase: 'QUEUED', attempt: 2, lease_token: null, lease_expires_at: null };
  expect(rows.run).toEqual([{ ...kept, messages_processed: rows.stored }]);
  expect(rows.stored).toBeGreaterThanOrEqual(middle);
  expect(rows.stored).toBeLessThan(SIZE);

  await using second = await startService({ databaseUrl, environment: { API_KEY } });
  await using watcher = await watchSocket(second, progressOf(account));
  const run = await finishedRun(second, runId);
  expect(run).toMatchObject({ status: 'SUCCEEDED', attempt: 2, messagesProcessed: SIZE, messagesTotal: SIZE });
  expect(run.stats.messagesFetched).toBe(SIZE);
  await waitFor(() => lastFrame(watcher, runId), { what: 'the last frame', timeoutMs: 60_000 });
  // The frames before and after the restart belong to one run: nothing decreases.
  expectSteady([...socket.frames, ...watcher.frames]);
  expect(await storedTruth({ databaseUrl }, `${user}@example.com`)).toEqual(await truth({ ...dovecot, user }));
});

describe('with a DATA_DIR of its own', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'data-'));
  let service: Service;

  afterAll(() => service?.stop());

  const socketOf = (folder: string): string =>
    JSON.parse(readFileSync(join(folder, 'mailtide.lock'), 'utf8')).socketDir as string;

  test('SIGTERM while the database is being created leaves a directory that starts', async () => {
    await using main = runMain({ DATA_DIR: dataDir, API_KEY });
    // initdb writes for seconds.
    const isMaking = () => readdirSync(dataDir).some((name) => name.startsWith('postgres.new'));
    await waitFor(isMaking, { what: 'initdb', timeoutMs: 30_000 });
    const socketDir = socketOf(dataDir);
    expect(existsSync(socketDir)).toBe(true);
    main.kill('SIGTERM');
    const [end, took] = await timed(main.ended);
    expect(end).toEqual({ code: 0, signal: null });
    expect(took).toBeLessThan(10_000);
    expect([existsSync(socketDir), existsSync(join(dataDir, 'mailtide.lock'))]).toEqual([false, false]);
    service = await startService({ dataDir, environment: { API_KEY, SYNC_CONCURRENCY: '1' } });
    expect(readdirSync(dataDir).filter((name) => name.includes('.new'))).toEqual([]);
  });

  test('a second service on it exits with one line, and the first keeps running', async () => {
    await using second = runMain({ DATA_DIR: dataDir, API_KEY });
    expect(await second.ended).toEqual({ code: 1, signal: null });
    expect(second.stderr()).toBe(
      `Mailtide cannot start: DATA_DIR ${dataDir} is in use by another Mailtide (process ${service.pid} on ${hostname()}). Stop it first.\n`,
    );
    expect(second.stdout()).toBe('');
    await using third = runMain({ DATA_DIR: dataDir, API_KEY });
    expect(await third.ended).toMatchObject({ code: 1 });
    dovecot.addUser('shutdown-first', { INBOX: mails(0, 20) });
    await sync(service, await connectAccount(service, dovecot, 'shutdown-first'));
  });

  test('SIGTERM stops an idle service within three seconds', async () => {
    await using socket = await watchSocket(service, ACTIVITY);
    const { pid } = service;
    const [code, took] = await timed(service.stop('SIGTERM'));
    expect([code, await socket.closed]).toEqual([0, 1001]);
    expect(took).toBeLessThan(3000);
    expect(processesOf(dataDir).filter((process) => process.pid === pid)).toEqual([]);
    service = await startService({ dataDir, environment: { API_KEY, SYNC_CONCURRENCY: '1' } });
  });

  test('kill -9 with a running and a queued run: the next start finishes both', async () => {
    dovecot.addUser('shutdown-running', { INBOX: mails(0, SIZE) });
    dovecot.addUser('shutdown-queued', { INBOX: mails(0, 20) });
    const running = await startSync(service, await connectAccount(service, dovecot, 'shutdown-running'));
    const queued = await startSync(service, await connectAccount(service, dovecot, 'shutdown-queued'));
    await middleOf(service, running);
    expect(await syncRun(service, queued)).toMatchObject({ status: 'QUEUED' });
    const left = socketOf(dataDir);
    await service.stop('SIGKILL');
    expect(existsSync(left)).toBe(true);

    service = await startService({ dataDir, environment: { API_KEY, SYNC_CONCURRENCY: '1' } });
    expect(existsSync(left), 'what nobody else would ever remove').toBe(false);
    expect(await finishedRun(service, running)).toMatchObject({ status: 'SUCCEEDED', attempt: 2 });
    expect(await finishedRun(service, queued)).toMatchObject({
      status: 'SUCCEEDED',
      attempt: 1,
      messagesProcessed: 20,
    });
    for (const user of ['shutdown-running', 'shutdown-queued']) {
      expect(await storedTruth({ dataDir }, `${user}@example.com`)).toEqual(await truth({ ...dovecot, user }));
    }
  });
});
