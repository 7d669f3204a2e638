import { readFileSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, type ClientConfig } from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { receiptOf } from '../../lab/assertions/receipt.ts';
import { repeatedFacts } from '../../lab/assertions/repeated-facts.ts';
import { truth } from '../../lab/assertions/server-truth.ts';
import { type StoredAt, storedTruth, withDatabase } from '../../lab/assertions/stored-truth.ts';
import { dovecot, EMPTY, postgres } from '../../lab/servers/shared-servers.ts';
import { startService } from '../../lab/service/service.ts';
import { eventsOf, finishedRun, verifyChain } from '../../lab/service/sync.ts';
import { waitFor } from '../../lab/wait.ts';
import { PARSER_VERSION } from '../../src/domain/parsed-message.ts';
import { openEmbedded } from '../../src/store/embedded/open-embedded.ts';
import { listMigrations, NO_FILTER, openSchemaEngine } from '../../src/store/plumbing/migrate.ts';
import { API_KEY, changeMailbox, layDownArchive, USER } from './mailbox.ts';

/** What an earlier version left when it was killed in the middle of a run. record.ts describes how to renew it. */
const ROWS = readFileSync(new URL('rows.sql', import.meta.url), 'utf8');
const LAST_MIGRATION = /^-- .* last migration is (\w+),/.exec(ROWS)![1]!;
const ENCRYPTION_KEY = Buffer.alloc(32, 7).toString('base64');
const MESSAGES = { Archive: 7, INBOX: 50 };

beforeAll(async () => {
  await layDownArchive(dovecot);
  await changeMailbox(dovecot);
});

/** Brings an empty database to the state that the earlier version left. */
async function leaveRows(connection: ClientConfig): Promise<void> {
  const all = listMigrations();
  const migrationDirectories = all.migrationDirectories.filter(({ path }) => path <= LAST_MIGRATION);
  expect(migrationDirectories.length).toBeLessThan(all.migrationDirectories.length);
  const engine = await openSchemaEngine(connection);
  await engine.applyMigrations({ migrationsList: { ...all, migrationDirectories }, filters: NO_FILTER });
  const client = new Client(connection);
  await client.connect();
  try {
    await client.query(ROWS);
    await client.query('UPDATE email_account SET imap_port = $1', [dovecot.port]);
    const { rows } = await client.query(
      `SELECT r.status, r.lease_expires_at < now() AS expired, l.state, count(*)::int
       FROM sync_run r JOIN message_location l ON l.account_id = r.account_id
       WHERE r.finished_at IS NULL GROUP BY 1, 2, 3 ORDER BY 3`,
    );
    expect(rows).toEqual([
      { status: 'RUNNING', expired: true, state: 'PENDING', count: 18 },
      { status: 'RUNNING', expired: true, state: 'STORED', count: 40 },
    ]);
  } finally {
    await client.end();
  }
}

async function accountAndRun(at: StoredAt): Promise<{ account: string; run: string }> {
  const { rows } = await withDatabase(at, (client) =>
    client.query<{ account: string; run: string }>(
      'SELECT account_id AS account, id AS run FROM sync_run ORDER BY requested_at DESC LIMIT 1',
    ),
  );
  const globalId = (type: string, id: string) => Buffer.from(`${type}:${id}`).toString('base64url');
  return { account: globalId('EmailAccount', rows[0]!.account), run: globalId('SyncRun', rows[0]!.run) };
}

test.each(['PostgreSQL', 'the embedded database'])(
  'a run that an earlier version left in its middle is resumed and complete, %s',
  async (kind) => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'upgrade-'));
    let options: { databaseUrl: string } | { dataDir: string };
    if (kind === 'PostgreSQL') {
      options = { databaseUrl: await postgres.createDatabase(EMPTY) };
      await leaveRows({ connectionString: options.databaseUrl });
    } else {
      options = { dataDir: folder.path };
      await using stack = new AsyncDisposableStack();
      const embedded = await openEmbedded(folder.path);
      stack.defer(() => embedded.close());
      await leaveRows({ host: embedded.socketDir, user: 'postgres', database: 'postgres' });
    }

    await using service = await startService({ ...options, environment: { API_KEY, ENCRYPTION_KEY } });
    const { account, run } = await accountAndRun(options);
    expect(await finishedRun(service, run)).toMatchObject({ status: 'SUCCEEDED', attempt: 2 });
    const present = await truth({ ...dovecot, user: USER });
    expect(Object.fromEntries(present.map(({ path, messages }) => [path, messages.size]))).toEqual(MESSAGES);
    expect(await storedTruth(options, `${USER}@example.com`)).toEqual(present);
    expect(await receiptOf(service, run)).toMatchObject({ complete: true });
    expect(await verifyChain(service, account)).toMatchObject({ ok: true });
    const events = await eventsOf(service, account);
    expect(repeatedFacts(events)).toEqual([]);
    expect(events.map(({ type }) => type).filter((type) => type === 'sync_succeeded')).toHaveLength(2);

    // The present parser reads the mail that the earlier version stored.
    await waitFor(
      () =>
        withDatabase(options, async (client) => {
          const { rows } = await client.query('SELECT 1 FROM message WHERE parser_version < $1', [PARSER_VERSION]);
          return rows.length === 0;
        }),
      { what: 'the mail to be parsed again', timeoutMs: 60_000 },
    );
    expect(await storedTruth(options, `${USER}@example.com`)).toEqual(present);
  },
  240_000,
);
