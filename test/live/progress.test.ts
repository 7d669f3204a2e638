import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { storedCounts } from '../../lab/assertions/stored-counts.ts';
import { mails } from '../../lab/mail/mails.ts';
import { dovecot, postgres } from '../../lab/servers/shared-servers.ts';
import { addSecondTenant } from '../../lab/service/second-tenant.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import { connectAccount, finishedRun, startSync, sync, syncRun } from '../../lab/service/sync.ts';
import { ACTIVITY, expectSteady, lastFrame, progressOf, watchEvents, watchSocket } from '../../lab/service/watch.ts';
import { waitFor } from '../../lab/wait.ts';

const SIZE = 6000;
/**
 * Frames of eight subscriptions that query this name ninety times take 170 kB: unread, they soon fill the kernel's
 * buffers.
 */
const LONG_NAME = `Lists/${'tide'.repeat(58)}`;
const LARGE_FRAME = Array.from({ length: 90 }, (_, i) => `m${i}: mailbox`).join(' ');

vi.setConfig({ testTimeout: 120_000 });
let databaseUrl: string;
let service: Service;
let large: string;
let small: string;

beforeAll(async () => {
  dovecot.addUser('live-large', { [LONG_NAME]: mails(0, SIZE) });
  dovecot.addUser('live-small', { INBOX: mails(0, 30), Archive: mails(30, 40) });
  databaseUrl = await postgres.createDatabase();
  service = await startService({ databaseUrl });
  large = await connectAccount(service, dovecot, 'live-large');
  small = await connectAccount(service, dovecot, 'live-small');
});

afterAll(() => service?.stop());

test('every subscriber, early, late or slow, receives the frames of a run in order', async () => {
  const query = progressOf(large);
  await using early = await watchSocket(service, query);
  const ballast = Array<string>(8).fill(query.replace('stats', `${LARGE_FRAME} stats`));
  await using slow = await watchSocket(service, query, service.apiKey, ballast);
  // No frame comes before the first run, and the other account's run is not theirs.
  await sync(service, small);
  expect([early.frames, slow.frames, early.errors, slow.errors]).toEqual([[], [], [], []]);

  const runId = await startSync(service, large);
  await waitFor(() => slow.frames.length > 0, { what: 'the first frame' });
  slow.pause();
  const middle = await waitFor(() => early.frames.find((frame) => frame.messagesProcessed > SIZE / 10), {
    what: 'the middle of the run',
  });
  await using late = await watchEvents(service, query);
  const last = await waitFor(() => lastFrame(early, runId), { what: 'the last frame', timeoutMs: 60_000 });
  slow.resume();
  await waitFor(() => lastFrame(slow, runId), { what: "the slow one's last frame", timeoutMs: 60_000 });
  await waitFor(() => lastFrame(late, runId), { what: "the late one's last frame", timeoutMs: 60_000 });

  expect(early.frames[0]).toMatchObject({ runId, status: 'QUEUED', sequence: '1', percent: null, messagesTotal: null });
  expect(late.frames[0]).toMatchObject({ runId, status: 'RUNNING', phase: 'FETCHING' });
  expect(late.frames[0]!.messagesProcessed).toBeGreaterThanOrEqual(middle.messagesProcessed);
  expect(late.frames[0]!.messagesProcessed).toBeLessThan(SIZE);
  // A batch is at most two hundred messages.
  expect(early.frames.length).toBeGreaterThan(SIZE / 200);
  expect(slow.frames.length, 'frames of the slow one').toBeLessThan(early.frames.length * 0.75);
  for (const { frames } of [early, late, slow]) {
    expectSteady(frames);
    expect(frames.at(-1)).toMatchObject(last);
  }

  const { stats, ...run } = await syncRun(service, runId);
  expect(last).toMatchObject({ status: 'SUCCEEDED', phase: 'DONE', percent: 100, error: null });
  expect(last).toMatchObject({ messagesProcessed: SIZE, messagesTotal: SIZE, attempt: run.attempt });
  expect(last.stats).toEqual(stats);
  expect(last.stats).toMatchObject({ ...(await storedCounts({ databaseUrl }, 'live-large@example.com')) });
  expect(last.bytesProcessed).toBe(stats.bytesDownloaded);
});

test('a subscription continues from one run to the next', async () => {
  const previous = await sync(service, small);
  await using socket = await watchSocket(service, progressOf(small));
  await using events = await watchEvents(service, progressOf(small));
  for (const watcher of [socket, events]) {
    await waitFor(() => lastFrame(watcher, previous.id), { what: "the last run's end, at once" });
  }
  dovecot.deliver('live-small', 'INBOX', mails(40, 43));
  const runId = await startSync(service, small);
  const again = (await finishedRun(service, runId)) && (await startSync(service, small));
  for (const watcher of [socket, events]) {
    await waitFor(() => lastFrame(watcher, again), { what: 'the end of the second run' });
    expectSteady(watcher.frames);
    expect(new Set(watcher.frames.map((frame) => frame.runId))).toEqual(new Set([previous.id, runId, again]));
    expect(lastFrame(watcher, runId)?.stats).toMatchObject({ messagesFetched: 3, messagesCreated: 3 });
    expect(lastFrame(watcher, again)?.stats).toMatchObject({ messagesFetched: 0, messagesCreated: 0 });
  }
});

test('syncActivity covers all accounts of a tenant and none of another', async () => {
  const stranger = await addSecondTenant(databaseUrl);
  await using own = await watchSocket(service, ACTIVITY);
  await using foreign = await watchSocket(service, ACTIVITY, stranger);
  await using denied = await watchSocket(service, progressOf(small), stranger);
  await using deniedEvents = await watchEvents(service, progressOf(small), stranger);
  dovecot.deliver('live-small', 'INBOX', mails(43, 83));
  const runs = await Promise.all([large, small].map((account) => startSync(service, account)));
  for (const runId of runs) {
    const { accountId, status } = await waitFor(() => lastFrame(own, runId), { what: 'the end of each run' });
    expect(status).toBe('SUCCEEDED');
    expectSteady(own.frames.filter((frame) => frame.accountId === accountId));
  }
  expect(new Set(own.frames.map((frame) => frame.accountId))).toEqual(new Set([large, small]));
  await waitFor(() => deniedEvents.errors.length > 0, { what: 'the refusal' });
  expect([denied.errors, deniedEvents.errors]).toEqual([['NOT_FOUND'], ['NOT_FOUND']]);
  expect([...denied.frames, ...deniedEvents.frames]).toEqual([]);

  // The other tenant's first frame is that of its own run.
  const strangers = { ...service, data: dataAs(stranger) };
  const account = await connectAccount(strangers, dovecot, 'live-small');
  const runId = await startSync(strangers, account);
  await waitFor(() => lastFrame(foreign, runId), { what: "the stranger's own run" });
  expect(new Set(foreign.frames.map((frame) => frame.accountId))).toEqual(new Set([account]));
  expect(own.frames.some((frame) => frame.accountId === account)).toBe(false);
});

function dataAs(apiKey: string): Service['data'] {
  return async <T>(query: string, variables?: Record<string, unknown>) => {
    const { data, errors } = await service.ask<T>(query, variables, apiKey);
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  };
}
