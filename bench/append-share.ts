import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Pool } from 'pg';
import { enlargedCorpus } from '../lab/mail/corpus.ts';
import { startDovecot } from '../lab/servers/dovecot.ts';
import { startPostgres } from '../lab/servers/postgres.ts';
import { startService } from '../lab/service/service.ts';
import { connectAccount, sync } from '../lab/service/sync.ts';
import { newId } from '../src/domain/ids.ts';
import { openDatabase } from '../src/store/plumbing/database.ts';
import { inTransaction } from '../src/store/plumbing/sql.ts';
import { appendEvents } from '../src/store/timeline/append-events.ts';
import type { EventInput } from '../src/timeline/schemas.ts';

/**
 * Measures the share of a sync that appending to the timeline costs. The service syncs a mailbox. Then the same events
 * are appended again, to another account of the same database, in the same batches, with nothing else in their
 * transactions. That costs more than within the sync, where BEGIN, COMMIT, the round trip and the lock are paid for the
 * messages anyway, and where other work runs meanwhile: the share is an upper bound. The statements alone, without
 * BEGIN and COMMIT, are closer to the truth.
 *
 * Measures PostgreSQL and the embedded database.
 *
 *   npm run bench:append -- [--rounds 3] [--copies 1]
 */
const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, copies: { type: 'string', default: '1' } },
});
const USER = 'append';

await using dovecot = await startDovecot();
await using postgres = await startPostgres();
dovecot.addUser(USER, { INBOX: enlargedCorpus(Number(values.copies)) });
await dovecot.doveadm('index', '-u', USER, 'INBOX');

console.log('| | events | transactions | sync, s | appending alone, s | at most | statements only |');
console.log('| --- | --- | --- | --- | --- | --- | --- |');
for (let round = 1; round <= Number(values.rounds); round += 1) {
  await measure(`PostgreSQL, round ${round}`, { databaseUrl: await postgres.createDatabase() });
}
for (let round = 1; round <= Number(values.rounds); round += 1) {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'append-'));
  await measure(`embedded, round ${round}`, { dataDir: folder.path });
}
process.exit(0);

async function measure(name: string, at: { databaseUrl?: string; dataDir?: string }): Promise<void> {
  const service = await startService({ ...at, environment: { LOG_LEVEL: 'warn' } });
  const account = await connectAccount(service, dovecot, USER);
  const began = performance.now();
  await sync(service, account);
  const syncMs = performance.now() - began;
  await service.stop();

  await using opened = new AsyncDisposableStack();
  const database = await openDatabase({ dataDir: '', ...at, url: at.databaseUrl });
  opened.defer(() => database.close());
  const batches = await batchesOf(database.pool);
  const other = await secondAccount(database.pool);
  let statementsMs = 0;
  const from = performance.now();
  for (const events of batches) {
    await inTransaction(database.pool, async (tx) => {
      const begun = performance.now();
      await appendEvents(tx, other, events);
      statementsMs += performance.now() - begun;
    });
  }
  const appendMs = performance.now() - from;
  const share = (ms: number): string => `${((100 * ms) / syncMs).toFixed(1)} %`;
  const count = batches.reduce((sum, { length }) => sum + length, 0);
  console.log(
    `| ${name} | ${count} | ${batches.length} | ${(syncMs / 1000).toFixed(2)} | ${(appendMs / 1000).toFixed(2)} | ` +
      `${share(appendMs)} | ${share(statementsMs)} |`,
  );
}

/** The events of the only account in their batches: events of one batch have the same time. */
async function batchesOf(pool: Pool): Promise<EventInput[][]> {
  const { rows } = await pool.query<{ events: EventInput[] }>(
    `SELECT json_agg(json_build_object('type', type, 'payload', payload) ORDER BY seq) AS events
     FROM event GROUP BY occurred_at ORDER BY min(seq)`,
  );
  return rows.map(({ events }) => events);
}

/** A copy of the only account, with its own timeline. */
async function secondAccount(pool: Pool): Promise<string> {
  const id = newId();
  await pool.query(
    `INSERT INTO email_account (id, tenant_id, email_address, imap_host, imap_port, imap_security, imap_username,
       credentials, event_hash, updated_at)
     SELECT $1, tenant_id, 'second@example.com', imap_host, imap_port, imap_security, imap_username, credentials,
       decode(repeat('00', 32), 'hex'), now() FROM email_account`,
    [id],
  );
  return id;
}
