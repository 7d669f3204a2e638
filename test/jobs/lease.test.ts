import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { insertTestAccount } from '../../lab/assertions/stored-account.ts';
import { mails } from '../../lab/mail/mails.ts';
import { postgres } from '../../lab/servers/shared-servers.ts';
import { createMimePool, type MimePool } from '../../src/mime/mime-pool.ts';
import { changeAccount } from '../../src/store/accounts/change-account.ts';
import { heldAccount } from '../../src/store/accounts/held-account.ts';
import { addPending, type MailboxRef } from '../../src/store/mail/locations.ts';
import { createMailboxes, storedMailboxes } from '../../src/store/mail/mailboxes.ts';
import { quarantine } from '../../src/store/mail/quarantine.ts';
import { storeBatch } from '../../src/store/mail/store-batch.ts';
import { updateFlags } from '../../src/store/mail/update-flags.ts';
import { type Database, openDatabase } from '../../src/store/plumbing/database.ts';
import { inTransaction } from '../../src/store/plumbing/sql.ts';
import { claimNextRun, extendLease } from '../../src/store/runs/claim-run.ts';
import { cancelRun, failLostRuns, finishRun } from '../../src/store/runs/finish-run.ts';
import { fenced, type Lease } from '../../src/store/runs/lease.ts';
import { postponeRun } from '../../src/store/runs/postpone-run.ts';
import { recordPlan } from '../../src/store/runs/record-plan.ts';
import { recordProgressNow } from '../../src/store/runs/record-progress.ts';
import { giveBackRun, requeueDeadRuns } from '../../src/store/runs/requeue-runs.ts';
import { startRun } from '../../src/store/runs/start-run.ts';

let database: Database;
let mime: MimePool;
let parsed: Awaited<ReturnType<MimePool['digest']>>;
let owner: { tenantId: string; accountId: string };
let runId: string;
let first: Lease;
let mailbox: MailboxRef;

beforeAll(async () => {
  database = await openDatabase({ url: await postgres.createDatabase(), dataDir: '' });
  mime = createMimePool({});
  parsed = await mime.digest(mails(0, 3).map(({ bytes }) => Buffer.from(bytes)));
});

afterAll(async () => {
  await mime?.close();
  await database?.close();
});

/** A worker with a run, one mailbox and its three messages to fetch. */
beforeEach(async () => {
  const { pool } = database;
  await database.prisma.tenant.deleteMany();
  owner = await insertTestAccount(database);
  runId = (await startRun(pool, owner.tenantId, owner.accountId, 'INCREMENTAL', 'USER')).run.id;
  first = await claim();
  const listed = {
    path: 'INBOX',
    rawName: 'INBOX',
    delimiter: '/',
    specialUse: '\\Inbox',
    selectable: true,
    status: null,
  };
  await createMailboxes(pool, first, [listed]);
  const [stored] = await storedMailboxes(pool, owner.accountId);
  mailbox = { id: stored!.id, path: 'INBOX', generation: 0, uidValidity: 7n };
  await addPending(pool, first, mailbox, [1, 2, 3].map(pending));
});

const pending = (uid: number) => ({ uid, flags: [], internalDate: null, size: 1000, modseq: null, emailId: null });

async function claim(): Promise<Lease> {
  const { run, lease } = (await claimNextRun(database.pool))!;
  expect(run.id).toBe(runId);
  return lease;
}

/** Expires the lease, as if the heartbeat had failed. */
async function expire(): Promise<void> {
  await database.pool.query(`UPDATE sync_run SET lease_expires_at = now() - interval '1 second' WHERE id = $1`, [
    runId,
  ]);
}

const batch = () => ({
  mailbox,
  items: parsed.messages.map((message, index) => ({ uid: index + 1, internalDate: null, message })),
  parsed,
  movingMessageIds: new Set<string>(),
});

const LATER = {
  delayMs: 1000,
  retries: 1,
  throttled: false,
  error: { code: 'IMAP_TIMEOUT', message: 'The server did not answer in time.' },
} as const;

/** Writes that end a worker's lease, successfully or not. */
const ENDS = ['success', 'failure', 'another attempt later'];

/** Every write of a worker. */
const writes: [string, (lease: Lease) => Promise<unknown>][] = [
  ['a batch of bodies', (lease) => storeBatch(database.pool, lease, batch())],
  ['a progress step', (lease) => recordProgressNow(database.pool, lease, { phase: 'FETCHING', remaining: 3 })],
  ['new mailboxes', (lease) => createMailboxes(database.pool, lease, [])],
  ['pending messages', (lease) => addPending(database.pool, lease, mailbox, [pending(4)])],
  [
    'flags',
    (lease) => updateFlags(database.pool, lease, mailbox, [{ uid: 1, flags: ['\\Seen'], modseq: null }], 'changes'),
  ],
  ['a reason for a missing body', (lease) => quarantine(database.pool, lease, mailbox, [1], 'NOT_SERVED')],
  ['the reason of a plan', (lease) => recordPlan(database.pool, lease, 'INBOX', 'FIRST_SYNC')],
  ['another attempt later', (lease) => postponeRun(database.pool, lease, LATER)],
  ['success', (lease) => finishRun(database.pool, lease, { status: 'SUCCEEDED' })],
  ['failure', (lease) => finishRun(database.pool, lease, { status: 'FAILED' })],
];

/** Every version of every row in the database. */
async function allRows(): Promise<string> {
  const { rows } = await database.pool.query<{ name: string }>(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`,
  );
  const versions: string[] = [];
  for (const { name } of rows) {
    const { rows: found } = await database.pool.query<{ all: string | null }>(
      `SELECT string_agg(ctid::text || xmin::text || row(t.*)::text, ',' ORDER BY ctid) AS all FROM ${name} t`,
    );
    versions.push(`${name} ${found[0]!.all}`);
  }
  return versions.join('\n');
}

const LEASE_LOST = expect.objectContaining({ code: 'LEASE_LOST' });

async function expectNoWriteBy(lease: Lease): Promise<void> {
  const before = await allRows();
  for (const [what, write] of writes) {
    await expect(write(lease), what).rejects.toEqual(LEASE_LOST);
    expect(await allRows(), what).toBe(before);
  }
  expect(await extendLease(database.pool, lease)).toBe(false);
  expect(await giveBackRun(database.pool, lease)).toBeNull();
  expect(await allRows()).toBe(before);
}

describe('a worker writes nothing more', () => {
  test('after another worker has taken its run over', async () => {
    await expire();
    expect(await requeueDeadRuns(database.pool, false)).toMatchObject([{ id: runId, attempt: 2, leaseToken: null }]);
    // Also before another worker has the run.
    await expectNoWriteBy(first);
    const second = await claim();
    expect(second.token).not.toBe(first.token);
    await expectNoWriteBy(first);

    await storeBatch(database.pool, second, batch());
    await expectNoWriteBy(first);
    const finished = await finishRun(database.pool, second, { status: 'SUCCEEDED' });
    expect(finished).toMatchObject({ attempt: 2, messagesProcessed: 3, messagesCreated: 3, status: 'SUCCEEDED' });
    await expectNoWriteBy(first);
    await expectNoWriteBy(second);
  });

  test('after its run was cancelled', async () => {
    await cancelRun(database.pool, owner.tenantId, runId);
    await expectNoWriteBy(first);
  });

  test('after it has returned its run to the queue', async () => {
    expect(await giveBackRun(database.pool, first)).toMatchObject({ status: 'QUEUED', attempt: 2 });
    await expectNoWriteBy(first);
  });
});

test('a worker that holds the lease can do every write', async () => {
  for (const [what, write] of writes.filter(([name]) => !ENDS.includes(name))) {
    const before = await allRows();
    await write(first);
    if (what !== 'pending messages') expect(await allRows(), what).not.toBe(before);
  }
  await expect(finishRun(database.pool, first, { status: 'FAILED' })).resolves.toMatchObject({ status: 'FAILED' });
});

test('a run whose account is deleted before it begins has lost its lease', async () => {
  const { prisma } = database;
  expect(await heldAccount(prisma, first)).toMatchObject({ id: owner.accountId });
  await prisma.emailAccount.delete({ where: { id: owner.accountId } });
  await expect(heldAccount(prisma, first)).rejects.toEqual(LEASE_LOST);
  await expectNoWriteBy(first);
});

test('a run is not taken over during a transaction of its worker', async () => {
  const entered = Promise.withResolvers<void>();
  const leave = Promise.withResolvers<void>();
  const writing = fenced(database.pool, first, async (tx) => {
    entered.resolve();
    await leave.promise;
    await tx.query(`UPDATE mailbox SET unseen_count = 1 WHERE id = $1`, [mailbox.id]);
  });
  await entered.promise;
  let taken = false;
  const takeOver = requeueDeadRuns(database.pool, true).then((runs) => {
    taken = true;
    return runs;
  });
  // Results that arrive while the other worker waits for the lock.
  for (let i = 0; i < 5; i += 1) await database.pool.query('SELECT pg_sleep(0.02)');
  expect(taken).toBe(false);
  leave.resolve();
  await writing;
  expect(await takeOver).toMatchObject([{ id: runId }]);
  await expectNoWriteBy(first);
});

test('a valid lease cannot be claimed, and only one of many workers gets a queued run', async () => {
  expect(await requeueDeadRuns(database.pool, false)).toEqual([]);
  expect(await claimNextRun(database.pool)).toBeNull();
  await giveBackRun(database.pool, first);
  const claims = await Promise.all(Array.from({ length: 20 }, () => claimNextRun(database.pool)));
  expect(claims.filter((one) => one !== null)).toHaveLength(1);
});

describe('a run that loses its worker in each attempt', () => {
  /** What recovery does after a worker has died. */
  async function lose(limit: number): Promise<void> {
    await expire();
    await failLostRuns(database.pool, { all: false, limit });
    await requeueDeadRuns(database.pool, false);
  }
  const row = () => database.prisma.syncRun.findUniqueOrThrow({ where: { id: runId } });

  test('fails with SYNC_WORKER_LOST after too many losses', async () => {
    await lose(2);
    await claim();
    await lose(2);
    expect(await row()).toMatchObject({ status: 'QUEUED', attempt: 3, losses: 2 });
    const last = await claim();
    await lose(2);
    expect(await row()).toMatchObject({ status: 'FAILED', errorCode: 'SYNC_WORKER_LOST', leaseToken: null });
    expect(await database.prisma.emailAccount.findUniqueOrThrow({ where: { id: owner.accountId } })).toMatchObject({
      lastSyncStatus: 'FAILED',
      lastSyncErrorCode: 'SYNC_WORKER_LOST',
      syncCount: 1,
      needsAuthSince: null,
    });
    const events = await database.prisma.event.findMany({ where: { accountId: owner.accountId, type: 'sync_failed' } });
    expect(events).toHaveLength(1);
    await expectNoWriteBy(last);
  });

  test('continues as long as its attempts make progress', async () => {
    await lose(1);
    for (let attempt = 2; attempt < 6; attempt += 1) {
      const lease = await claim();
      await recordProgressNow(database.pool, lease, { add: { messagesProcessed: 1 } });
      await lose(1);
      expect(await row()).toMatchObject({ status: 'QUEUED', attempt: attempt + 1, losses: 1 });
    }
  });

  test('is left to a worker that is alive', async () => {
    await lose(1);
    await claim();
    expect(await failLostRuns(database.pool, { all: false, limit: 1 })).toEqual([]);
    expect(await row()).toMatchObject({ status: 'RUNNING' });
  });
});

describe('a refused login', () => {
  const refused = { status: 'FAILED', error: { code: 'IMAP_AUTH_FAILED', message: 'no' }, needsAuth: true } as const;
  const account = () => database.prisma.emailAccount.findUniqueOrThrow({ where: { id: owner.accountId } });

  test('does not count against credentials that have replaced it', async () => {
    const id = { tenantId: owner.tenantId, id: owner.accountId };
    await inTransaction(database.pool, (tx) => changeAccount(tx, id, { login: { credentials: 'new' } }, 15));
    expect(await finishRun(database.pool, first, refused)).toMatchObject({ status: 'CANCELLED', errorCode: null });
    expect(await account()).toMatchObject({ needsAuthSince: null, nextSyncAt: expect.any(Date) });
  });

  test('counts against the account if something else was changed', async () => {
    const id = { tenantId: owner.tenantId, id: owner.accountId };
    await inTransaction(database.pool, (tx) => changeAccount(tx, id, { displayName: 'other' }, 15));
    expect(await finishRun(database.pool, first, refused)).toMatchObject({ status: 'FAILED' });
    expect(await account()).toMatchObject({ needsAuthSince: expect.any(Date), nextSyncAt: null });
  });
});
