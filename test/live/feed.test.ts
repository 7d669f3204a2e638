import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { insertTestAccount } from '../../lab/assertions/stored-account.ts';
import { postgres } from '../../lab/servers/shared-servers.ts';
import { newId } from '../../src/domain/ids.ts';
import { progressOf, type SyncProgress } from '../../src/domain/progress.ts';
import { createProgressFeed } from '../../src/live/create-progress-feed.ts';
import { type AccountChange, createLocalBus, createLocalProgressBus } from '../../src/live/progress-bus.ts';
import type { ProgressFeed } from '../../src/live/progress-feed.ts';
import { type Database, openDatabase } from '../../src/store/plumbing/database.ts';
import { startRun } from '../../src/store/runs/start-run.ts';

const [bus, changes] = [createLocalProgressBus(), createLocalBus<AccountChange>()];
const ended = new AbortController();
let database: Database;
let feed: ProgressFeed;
let frame: SyncProgress;
let dropped: number;
let watched: AsyncIterator<SyncProgress>;

beforeAll(async () => {
  database = await openDatabase({ url: await postgres.createDatabase(), dataDir: '' });
  feed = createProgressFeed(database.pool, { progress: bus, accounts: changes }, () => {
    dropped += 1;
  });
});

afterAll(async () => {
  ended.abort();
  await database?.close();
});

/** A subscriber of a run that was just queued, which has read that frame and reads no more. */
beforeEach(async () => {
  dropped = 0;
  const { tenantId, accountId } = await insertTestAccount(database);
  const { run } = await startRun(database.pool, tenantId, accountId, 'INCREMENTAL', 'USER');
  frame = progressOf(tenantId, run);
  watched = feed.ofAccount(tenantId, accountId, ended.signal);
  expect((await watched.next()).value).toEqual(frame);
});

const later = (sequence: number, more: Partial<SyncProgress> = {}): SyncProgress => ({
  ...frame,
  sequence: BigInt(sequence),
  ...more,
});

/** The unread frames: publishes a marker and reads up to it. */
async function unread(): Promise<SyncProgress[]> {
  const end = later(1_000_000, { runId: newId() });
  const frames: SyncProgress[] = [];
  for (;;) {
    bus.publish(end);
    const { value } = await watched.next();
    if (value.runId === end.runId) return frames;
    frames.push(value);
  }
}

test('an unread run keeps only its newest frame', async () => {
  for (let sequence = 2; sequence <= 100_000; sequence += 1) bus.publish(later(sequence));
  expect(await unread()).toEqual([later(100_000)]);
  expect(dropped).toBe(99_998);
});

test('the last frame of a run is kept if the next run begins before it is read', async () => {
  const next = newId();
  for (let sequence = 2; sequence <= 50; sequence += 1) bus.publish(later(sequence));
  bus.publish(later(51, { status: 'SUCCEEDED' }));
  for (let sequence = 52; sequence <= 100; sequence += 1) bus.publish(later(sequence, { runId: next }));
  expect(await unread()).toEqual([later(51, { status: 'SUCCEEDED' }), later(100, { runId: next })]);
});

test('a frame that is published late does not replace the last one', async () => {
  bus.publish(later(5, { status: 'CANCELLED' }));
  bus.publish(later(4));
  expect(await unread()).toEqual([later(5, { status: 'CANCELLED' })]);
});

test('a frame published while the state is being read is delivered once', async () => {
  const late = feed.ofAccount(frame.tenantId, frame.accountId, ended.signal);
  const first = late.next();
  bus.publish(frame);
  bus.publish(later(2));
  expect([(await first).value, (await late.next()).value]).toEqual([frame, later(2)]);
});

test('a subscriber that leaves ends its feed', async () => {
  const leaving = new AbortController();
  const frames = feed.ofTenant(frame.tenantId, leaving.signal);
  expect((await frames.next()).value).toEqual(frame);
  const waiting = frames.next();
  leaving.abort();
  expect(await waiting).toEqual({ done: true, value: undefined });
});

test('the feed of a deleted account ends, even if the deletion was not announced', async () => {
  const { tenantId, accountId } = frame;
  const [announced, unannounced] = [feed.ofAccount(tenantId, accountId, ended.signal), watched];
  expect((await announced.next()).value).toEqual(frame);
  const last = later(2, { status: 'CANCELLED' });
  bus.publish(last);
  // A change, not yet a deletion.
  changes.publish({ tenantId, accountId });
  expect([(await announced.next()).value, (await unannounced.next()).value]).toEqual([last, last]);
  const waiting = [announced.next(), unannounced.next()];
  await database.prisma.emailAccount.delete({ where: { id: accountId } });
  changes.publish({ tenantId, accountId });
  expect(await waiting[0]).toEqual({ done: true, value: undefined });
  changes.missed(tenantId);
  expect(await waiting[1]).toEqual({ done: true, value: undefined });
});
