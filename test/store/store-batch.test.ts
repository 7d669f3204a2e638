import { rmSync } from 'node:fs';
import type { Pool, QueryConfig } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { insertTestAccount } from '../../lab/assertions/stored-account.ts';
import { mails } from '../../lab/mail/mails.ts';
import { postgres } from '../../lab/servers/shared-servers.ts';
import { newDataDir } from '../../lab/service/embedded-template.ts';
import { waitFor } from '../../lab/wait.ts';
import { createMimePool } from '../../src/mime/mime-pool.ts';
import { addPending, type MailboxRef } from '../../src/store/mail/locations.ts';
import { createMailboxes, storedMailboxes } from '../../src/store/mail/mailboxes.ts';
import { storeBatch } from '../../src/store/mail/store-batch.ts';
import { type Database, openDatabase } from '../../src/store/plumbing/database.ts';
import { inTransaction } from '../../src/store/plumbing/sql.ts';
import { claimRun } from '../../src/store/runs/claim-run.ts';
import type { Lease } from '../../src/store/runs/lease.ts';
import { startRun } from '../../src/store/runs/start-run.ts';
import { appendEvents } from '../../src/store/timeline/append-events.ts';
import { readTimeline } from '../../src/store/timeline/read-timeline.ts';
import { verifyChain } from '../../src/timeline/verify.ts';

const dataDir = newDataDir();
const mime = createMimePool();
const sources = mails(0, 5).map(({ bytes }) => Buffer.from(bytes));
const UIDS = sources.map((_, i) => i + 1);
afterAll(async () => {
  await mime.close();
  rmSync(dataDir, { recursive: true, force: true });
});

describe.each([
  ['the embedded database', async () => ({ url: undefined, dataDir })],
  ['PostgreSQL', async () => ({ url: await postgres.createDatabase(), dataDir })],
])('a batch in %s', (_name, location) => {
  let database: Database;
  let lease: Lease;

  beforeAll(async () => {
    database = await openDatabase(await location());
  }, 60_000);

  afterAll(() => database?.close());

  beforeEach(async () => {
    const { tenantId, accountId } = await insertTestAccount(database);
    const { run } = await startRun(database.pool, tenantId, accountId, 'INCREMENTAL', 'USER');
    const claimed = await claimRun(database.pool, run.id);
    if (!claimed || !('lease' in claimed)) throw new Error('the run was not claimed');
    lease = claimed.lease;
  });

  /** A mailbox whose messages are all listed, and none stored. */
  async function listed(path: string): Promise<MailboxRef> {
    const { pool } = database;
    await createMailboxes(pool, lease, [
      { path, rawName: path, delimiter: '/', specialUse: null, selectable: true, status: null },
    ]);
    const mailbox = (await storedMailboxes(pool, lease.accountId)).find((stored) => stored.path === path)!;
    const ref = { id: mailbox.id, path, generation: mailbox.generation, uidValidity: 7n };
    const rest = { flags: [], internalDate: new Date(), modseq: null, emailId: null };
    await addPending(
      pool,
      lease,
      ref,
      UIDS.map((uid, i) => ({ uid, size: sources[i]!.length, ...rest })),
    );
    return ref;
  }

  async function store(pool: Pool, mailbox: MailboxRef) {
    const parsed = await mime.digest(sources);
    const items = parsed.messages.map((message, index) => ({
      uid: UIDS[index]!,
      internalDate: new Date(),
      message,
    }));
    return storeBatch(pool, lease, { mailbox, items, parsed, movingMessageIds: new Set() });
  }

  /** Wraps the pool so that `meanwhile` runs after the lookup of what is known. */
  function beforeItWrites(meanwhile: () => Promise<unknown>): Pool {
    let isFirst = true;
    const connect = async () => {
      const client = await database.pool.connect();
      if (!isFirst) return client;
      isFirst = false;
      return new Proxy(client, {
        get: (_, name) =>
          name === 'query' ? query : name === 'release' ? (failed?: Error) => client.release(failed) : undefined,
      });
      async function query(statement: QueryConfig) {
        if (statement.text?.includes('INSERT INTO message ')) await meanwhile();
        return client.query(statement);
      }
    };
    return new Proxy(database.pool, {
      get: (pool, name) => (name === 'connect' ? connect : Reflect.get(pool, name).bind(pool)),
    });
  }

  const counts = async () => {
    const where = { accountId: lease.accountId };
    const { prisma } = database;
    return {
      messages: await prisma.message.count({ where }),
      packs: await prisma.pack.count({ where }),
      stored: await prisma.messageLocation.count({ where: { ...where, state: 'STORED' } }),
      received: await prisma.event.count({ where: { ...where, type: 'email_received' } }),
      copied: await prisma.event.count({ where: { ...where, type: 'email_copied' } }),
    };
  };

  /** The counters of the run, and whether the chain is intact. */
  async function expectConsistent(counts: { messagesCreated: number; eventsCreated: number }): Promise<void> {
    const { accountId } = lease;
    const { eventSeq, eventHash } = await database.prisma.emailAccount.findUniqueOrThrow({ where: { id: accountId } });
    expect(
      await verifyChain(accountId, readTimeline(database.prisma, accountId, eventSeq, AbortSignal.timeout(10_000)), {
        seq: eventSeq,
        hash: Buffer.from(eventHash),
      }),
    ).toMatchObject({ ok: true });
    expect(await database.prisma.syncRun.findUniqueOrThrow({ where: { id: lease.runId } })).toMatchObject(counts);
  }

  test('is stored completely; a second time, its messages are copies', async () => {
    const [inbox, archive] = [await listed('INBOX'), await listed('Archive')];
    expect(await store(database.pool, inbox)).toMatchObject({ messagesProcessed: 5, messagesCreated: 5 });
    expect(await counts()).toEqual({ messages: 5, packs: 1, stored: 5, received: 5, copied: 0 });
    expect(await store(database.pool, archive)).toMatchObject({ messagesProcessed: 10, messagesCreated: 5 });
    expect(await counts()).toEqual({ messages: 5, packs: 1, stored: 10, received: 5, copied: 5 });
    await expectConsistent({ messagesCreated: 5, eventsCreated: 12 });
  });

  test('keeps events appended between lookup and write, and chains the batch after them', async () => {
    const inbox = await listed('INBOX');
    const pool = beforeItWrites(() =>
      inTransaction(database.pool, (tx) =>
        appendEvents(tx, lease.accountId, [
          { type: 'mailbox_created', payload: { mailboxId: inbox.id, path: 'Else' } },
        ]),
      ),
    );
    expect(await store(pool, inbox)).toMatchObject({ messagesProcessed: 5, messagesCreated: 5 });
    expect(await counts()).toEqual({ messages: 5, packs: 1, stored: 5, received: 5, copied: 0 });
    await expectConsistent({ messagesCreated: 5, eventsCreated: 6 });
  });

  test('the same messages in two mailboxes at once are stored once', async () => {
    const [inbox, archive] = [await listed('INBOX'), await listed('Archive')];
    const pool = beforeItWrites(() => store(database.pool, archive));
    await store(pool, inbox);
    expect(await counts()).toEqual({ messages: 5, packs: 1, stored: 10, received: 5, copied: 5 });
    await expectConsistent({ messagesCreated: 5, eventsCreated: 12 });
  });

  test('waits for a client that holds the rows, and keeps its changes', async () => {
    const inbox = await listed('INBOX');
    const [other, others] = [await database.pool.connect(), [] as Promise<unknown>[]];
    const pool = beforeItWrites(async () => {
      await other.query('BEGIN');
      await other.query('UPDATE sync_run SET turn_ms = 4321 WHERE id = $1', [lease.runId]);
      await other.query('UPDATE email_account SET display_name = $2 WHERE id = $1', [lease.accountId, 'Alice']);
      others.push(isWaitedFor().then(() => other.query('COMMIT')));
    });
    expect(await store(pool, inbox)).toMatchObject({ messagesProcessed: 5, messagesCreated: 5, turnMs: 4321 });
    await Promise.all(others);
    other.release();
    expect(await counts()).toEqual({ messages: 5, packs: 1, stored: 5, received: 5, copied: 0 });
    await expectConsistent({ messagesCreated: 5, eventsCreated: 6 });
  });

  /** On the embedded database, which runs one transaction at a time, this is immediate. */
  async function isWaitedFor(): Promise<void> {
    if (database.exclusive) return;
    const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    await waitFor(async () => (await database.pool.query(waiting)).rows.length > 0, { what: 'a client to wait' });
  }

  test('writes nothing if the run was taken over between lookup and write', async () => {
    const inbox = await listed('INBOX');
    const before = await database.prisma.syncRun.findUniqueOrThrow({ where: { id: lease.runId } });
    const leaseToken = '00000000-0000-4000-8000-000000000000';
    const pool = beforeItWrites(() =>
      database.prisma.syncRun.update({ where: { id: lease.runId }, data: { leaseToken } }),
    );
    await expect(store(pool, inbox)).rejects.toMatchObject({ code: 'LEASE_LOST' });
    expect(await counts()).toEqual({ messages: 0, packs: 0, stored: 0, received: 0, copied: 0 });
    expect(await database.prisma.syncRun.findUniqueOrThrow({ where: { id: lease.runId } })).toEqual({
      ...before,
      leaseToken,
    });
  });
});
