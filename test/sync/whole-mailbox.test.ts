import { describe, expect, test } from 'vitest';
import { truth } from '../../lab/assertions/server-truth.ts';
import { rowVersions, type StoredAt, storedTruth, withDatabase } from '../../lab/assertions/stored-truth.ts';
import { corpus } from '../../lab/mail/corpus.ts';
import type { LaidDownMail } from '../../lab/mail/maildir.ts';
import { dovecot, postgres } from '../../lab/servers/shared-servers.ts';
import { newDataDir } from '../../lab/service/embedded-template.ts';
import { startService } from '../../lab/service/service.ts';
import { connectAccount, finishedRun, startSync, sync, syncRun, verifyChain } from '../../lab/service/sync.ts';
import { waitFor } from '../../lab/wait.ts';

const databases = [
  ['embedded', async () => ({ dataDir: newDataDir() })],
  ['PostgreSQL', async () => ({ databaseUrl: await postgres.createDatabase() })],
] satisfies [string, () => Promise<StoredAt>][];

describe.each(databases)('6,046 real messages, %s', (name, newDatabase) => {
  test('are all stored as the server has them, and a second run writes nothing', async () => {
    const user = `whole-${name}`.toLowerCase();
    dovecot.addUser(user, spread());
    const at = await newDatabase();
    await using service = await startService(at);
    const account = await connectAccount(service, dovecot, user);
    // With statistics, the planner knows that every table is small.
    await withDatabase(at, (client) => client.query('ANALYZE'));

    const first = await sync(service, account);
    const server = await truth({ ...dovecot, user });
    expect(await storedTruth(at, `${user}@example.com`)).toEqual(server);
    expect(first.stats).toMatchObject({ mailboxesSynced: 4, messagesFetched: 6046, messagesDeleted: 0 });
    expect(first).toMatchObject({ messagesProcessed: 6046, messagesTotal: 6046 });
    expect(await verifyChain(service, account)).toMatchObject({ ok: true });
    // Each batch reads its own rows, and never all that the account has.
    expect(await rowsRead(at, 'thread_reference')).toBeLessThan(10 * 6046);
    // Foreign keys do the same (on a server), except for plans made for few rows: a third of a million rows, otherwise
    // 20 millions.
    expect(await rowsRead(at, 'thread')).toBeLessThan(1_000_000);
    expect(await rowsRead(at, 'message')).toBeLessThan(1_000_000);

    const before = await rowVersions(at);
    const second = await sync(service, account);
    expect(second.stats).toMatchObject({ messagesFetched: 0, bytesDownloaded: '0', eventsCreated: 0 });
    expect(await rowVersions(at)).toBe(before);

    // A full sync compares everything, and finds nothing to repair.
    const full = await sync(service, account, 'FULL');
    expect(full.stats).toMatchObject({ messagesFetched: 0, messagesUpdated: 0, messagesDeleted: 0, eventsCreated: 0 });
    expect(await storedTruth(at, `${user}@example.com`)).toEqual(server);
  }, 180_000);

  test('are all stored after kill -9 during the sync and a restart', async () => {
    const user = `killed-${name}`.toLowerCase();
    dovecot.addUser(user, spread());
    const at = await newDatabase();
    const apiKey = 'mt_test_kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk';
    const started = await startService({ ...at, environment: { API_KEY: apiKey } });
    const account = await connectAccount(started, dovecot, user);
    const runId = await startSync(started, account);
    const seen = await waitFor(
      async () => {
        const { messagesProcessed } = await syncRun(started, runId);
        return messagesProcessed > 1000 && messagesProcessed;
      },
      { what: 'the middle of the sync', timeoutMs: 60_000 },
    );
    await started.stop('SIGKILL');

    await using resumed = await startService({ ...at, environment: { API_KEY: apiKey } });
    const run = await finishedRun(resumed, runId);
    expect(run).toMatchObject({ status: 'SUCCEEDED', attempt: 2, messagesProcessed: 6046, messagesTotal: 6046 });
    expect(seen).toBeLessThan(6046);
    expect(await storedTruth(at, `${user}@example.com`)).toEqual(await truth({ ...dovecot, user }));
    expect(await verifyChain(resumed, account)).toMatchObject({ ok: true });
    const { syncStatus } = await resumed.data<{ syncStatus: unknown }>(
      'query ($id: ID!) { syncStatus(accountId: $id) { isSyncing lastSyncStatus lastSyncError { code } syncCount } }',
      { id: account },
    );
    expect(syncStatus).toEqual({ isSyncing: false, lastSyncStatus: 'SUCCEEDED', lastSyncError: null, syncCount: 1 });
  }, 180_000);
});

/** The corpus over four mailboxes, with different flags and dates. */
function spread(): Record<string, LaidDownMail[]> {
  const paths = ['INBOX', 'Archive', 'Lists/ham & spam', 'Sent'];
  const mailboxes: Record<string, LaidDownMail[]> = Object.fromEntries(paths.map((path) => [path, []]));
  let i = 0;
  for (const { bytes } of corpus()) {
    const flags = (['\\Seen', '\\Flagged', '\\Answered'] as const).filter((_, bit) => (i >> bit) & 1);
    const internalDate = new Date(Date.UTC(2002, 0, 1) + i * 60_000);
    const path = paths[i % 10 < 6 ? 0 : (i % 3) + 1]!;
    mailboxes[path]!.push({ bytes, flags, internalDate });
    i++;
  }
  return mailboxes;
}

/** How many rows of a table the database has read, by its own counters. */
const rowsRead = (at: StoredAt, table: string): Promise<number> =>
  withDatabase(at, async (client) => {
    const { rows } = await client.query<{ read: number }>(
      `SELECT (seq_tup_read + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes i WHERE i.relid = t.relid))::int AS read
       FROM pg_stat_user_tables t WHERE relname = $1`,
      [table],
    );
    return rows[0]!.read;
  });
