import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { insertTestAccounts } from '../../lab/assertions/stored-account.ts';
import { postgres } from '../../lab/servers/shared-servers.ts';
import { newId } from '../../src/domain/ids.ts';
import type { EmailAccount } from '../../src/generated/prisma/client.ts';
import { type Database, openDatabase } from '../../src/store/plumbing/database.ts';
import { claimNextRun } from '../../src/store/runs/claim-run.ts';
import { correctTimes } from '../../src/store/runs/correct-times.ts';
import { finishRun } from '../../src/store/runs/finish-run.ts';
import { startDueRuns } from '../../src/store/runs/start-due-runs.ts';

const MINUTE = 60_000;
const NOON = new Date('2026-01-02T12:00:00.000Z');
const at = (minutes: number) => new Date(NOON.getTime() + minutes * MINUTE);

let database: Database;
let tenantId: string;

beforeAll(async () => {
  database = await openDatabase({ url: await postgres.createDatabase(), dataDir: '' });
});

afterAll(() => database?.close());

beforeEach(async () => {
  await database.prisma.tenant.deleteMany();
  tenantId = newId();
});

const accounts = (count: number, row: Partial<EmailAccount> = {}) =>
  insertTestAccounts(database, tenantId, { nextSyncAt: NOON, ...row, count });

const tick = (now: Date, limit = 1000) => startDueRuns(database.pool, { intervalMinutes: 15, limit, at: now });
const rowOf = (id: string) => database.prisma.emailAccount.findUniqueOrThrow({ where: { id } });
const runsOf = (accountId: string) => database.prisma.syncRun.findMany({ where: { accountId } });

async function minutesToNext(id: string, from: Date): Promise<number> {
  return ((await rowOf(id)).nextSyncAt!.getTime() - from.getTime()) / MINUTE;
}

test('an account is synced when it is due, not before, and again after its interval', async () => {
  const [id] = await accounts(1);
  expect(await tick(at(-0.001))).toMatchObject({ due: 0, started: [] });
  const { started } = await tick(NOON);
  expect(started).toMatchObject([
    { accountId: id, tenantId, trigger: 'SCHEDULE', status: 'QUEUED', requestedAt: NOON },
  ]);
  expect((await tick(NOON)).due).toBe(0);
  const wait = await minutesToNext(id!, NOON);
  expect(wait).toBeLessThanOrEqual(15);
  expect(wait).toBeGreaterThanOrEqual(13.5);
});

test("an account's own interval takes precedence over the installation's", async () => {
  const [id] = await accounts(1, { syncIntervalMinutes: 240 });
  await tick(NOON);
  expect(await minutesToNext(id!, NOON)).toBeGreaterThanOrEqual(216);
});

test('after downtime, each account is due once', async () => {
  const ids = await accounts(50);
  const later = at(1000);
  expect((await tick(later)).started).toHaveLength(50);
  for (const id of ids) expect(await minutesToNext(id, later)).toBeGreaterThanOrEqual(7.49);
  expect((await tick(at(1007))).due).toBe(0);
});

test('an account that is still syncing is skipped until its next time', async () => {
  const [id] = await accounts(1);
  await tick(NOON);
  const claimed = await claimNextRun(database.pool);
  expect(await tick(at(15))).toMatchObject({ due: 1, started: [] });
  expect(await runsOf(id!)).toHaveLength(1);
  await finishRun(database.pool, claimed!.lease, { status: 'SUCCEEDED' });
  expect((await tick(at(15))).due).toBe(0);
  expect((await tick(at(30))).started).toHaveLength(1);
});

test('a due time written by a clock a day ahead is corrected, a valid one is kept', async () => {
  const valid = at(20);
  const [far] = await accounts(1, { nextSyncAt: at(24 * 60) });
  const [near] = await accounts(1, { nextSyncAt: valid });
  const [own] = await accounts(1, { nextSyncAt: at(24 * 60), syncIntervalMinutes: 24 * 60 });
  expect(await correctTimes(database.pool, { intervalMinutes: 15, at: NOON })).toBe(1);
  const wait = await minutesToNext(far!, NOON);
  expect(wait).toBeGreaterThanOrEqual(0);
  expect(wait).toBeLessThanOrEqual(15);
  expect((await rowOf(near!)).nextSyncAt).toEqual(valid);
  expect((await rowOf(own!)).nextSyncAt).toEqual(at(24 * 60));
  expect((await tick(at(15))).started.map(({ accountId }) => accountId)).toEqual([far]);
});

test('leases, retries and pauses written by a clock a day ahead are corrected', async () => {
  const [id] = await accounts(1);
  await tick(NOON);
  const ahead = at(24 * 60);
  const { run } = (await claimNextRun(database.pool, ahead))!;
  // Also the times of the fair order: when the run began, and when its tenant last ran.
  expect(await correctTimes(database.pool, { intervalMinutes: 15, at: NOON })).toBe(3);
  const runRow = () => database.prisma.syncRun.findUniqueOrThrow({ where: { id: run.id } });
  expect(await runRow()).toMatchObject({ leaseExpiresAt: new Date(NOON.getTime() + 20_000), turnBeganAt: NOON });
  expect((await database.prisma.tenant.findUniqueOrThrow({ where: { id: tenantId } })).servedAt).toEqual(NOON);

  const later = at(24 * 60 + 5);
  await database.prisma.syncRun.update({
    where: { id: run.id },
    data: { status: 'WAITING_RETRY', leaseToken: null, leaseExpiresAt: null, progressAt: ahead, nextAttemptAt: later },
  });
  await database.prisma.emailAccount.update({ where: { id: id! }, data: { throttledUntil: later } });
  await database.prisma.imapHost.create({ data: { host: 'ahead.example', refusals: 1, coolingUntil: ahead } });
  expect(await correctTimes(database.pool, { intervalMinutes: 15, at: NOON })).toBe(3);
  expect(await runRow()).toMatchObject({ nextAttemptAt: at(5), progressAt: NOON });
  expect((await rowOf(id!)).throttledUntil).toEqual(at(5));
  expect(await database.prisma.imapHost.findUniqueOrThrow({ where: { host: 'ahead.example' } })).toMatchObject({
    coolingUntil: at(10),
  });
  await database.prisma.imapHost.deleteMany();
});

test('paused accounts and those with refused credentials are not due', async () => {
  await accounts(1, { isActive: false });
  await accounts(1, { needsAuthSince: NOON });
  await accounts(1, { nextSyncAt: null });
  expect((await tick(at(10_000))).due).toBe(0);
});

test('a failing account gets its next due time as well', async () => {
  const [id] = await accounts(1);
  await tick(NOON);
  const { lease } = (await claimNextRun(database.pool))!;
  await finishRun(database.pool, lease, { status: 'FAILED', error: { code: 'IMAP_TLS_FAILED', message: 'x' } });
  expect((await tick(at(15))).started).toMatchObject([{ accountId: id }]);
});

describe('many nodes', () => {
  test('that tick at once start each account once', async () => {
    await accounts(500);
    const ticks = await Promise.all(Array.from({ length: 8 }, () => tick(NOON, 100)));
    while ((await tick(NOON, 100)).due > 0);
    const started = await database.prisma.syncRun.groupBy({ by: ['accountId'], _count: true });
    expect(started).toHaveLength(500);
    expect(ticks.reduce((sum, { started: some }) => sum + some.length, 0)).toBeGreaterThanOrEqual(100);
  });

  test('skip an account whose row is locked', async () => {
    const [locked, free] = await accounts(2);
    const client = await database.pool.connect();
    try {
      await client.query('BEGIN');
      await client.query('SELECT 1 FROM email_account WHERE id = $1 FOR UPDATE', [locked]);
      expect((await tick(NOON)).started).toMatchObject([{ accountId: free }]);
      await client.query('COMMIT');
    } finally {
      client.release();
    }
    expect((await tick(NOON)).started).toMatchObject([{ accountId: locked }]);
  });
});
