import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { withDatabase } from '../../lab/assertions/stored-truth.ts';
import { openFaultProxy } from '../../lab/proxies/fault-proxy.ts';
import { startDovecot } from '../../lab/servers/dovecot.ts';
import { startPostgres } from '../../lab/servers/postgres.ts';
import { startService } from '../../lab/service/service.ts';
import { connectAccount, startSync, sync } from '../../lab/service/sync.ts';
import { waitFor } from '../../lab/wait.ts';
import { API_KEY, changeMailbox, layDownArchive, USER } from './mailbox.ts';

/**
 * Prints the rows that another version leaves when it is killed in the middle of a run:
 *
 *     node test/upgrade/record.ts CHECKOUT > test/upgrade/rows.sql
 *
 * CHECKOUT is a clone of that version in which `sh scripts/setup.sh` has run. The second FETCH of the INBOX gets no
 * answer, so that 32 of its 50 messages are stored.
 */
const checkout = resolve(process.argv[2]!);

await using server = await startDovecot();
await using postgres = await startPostgres();
await using proxy = await openFaultProxy(server);
const databaseUrl = await postgres.createDatabase();
const service = await startService({ checkout, databaseUrl, environment: { API_KEY } });

await layDownArchive(server);
const account = await connectAccount(service, { ...server, port: proxy.port }, USER);
await sync(service, account);
await changeMailbox(server);

let fetches = 0;
proxy.fault = {
  command({ line }, wire) {
    if (line.includes('BODY.PEEK[]') && ++fetches === 2) wire.hang();
    return undefined;
  },
};
await startSync(service, account);
await waitFor(
  () =>
    withDatabase({ databaseUrl }, async (client) => {
      const { rows } = await client.query<{ state: string; count: number }>(
        `SELECT l.state, count(*)::int FROM message_location l JOIN mailbox b ON b.id = l.mailbox_id
         WHERE b.path = 'INBOX' GROUP BY l.state ORDER BY l.state`,
      );
      return rows.length === 2 && rows.every(({ count }) => count > 0);
    }),
  { what: 'a half filled mailbox' },
);
await service.stop('SIGKILL');

const dump = execFileSync(
  'pg_dump',
  ['--data-only', '--inserts', '--rows-per-insert=100', '--exclude-table=_prisma_migrations', databaseUrl],
  { encoding: 'utf8', maxBuffer: 2 ** 28 },
);
const commit = execFileSync('git', ['log', '-1', '--format=%h of %as'], { cwd: checkout, encoding: 'utf8' }).trim();
const migrations = readdirSync(join(checkout, 'prisma/migrations'), { withFileTypes: true });
const last = migrations
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .toSorted()
  .at(-1);
console.log(`-- Rows of commit ${commit}, whose last migration is ${last}, by test/upgrade/record.ts.`);
// What surrounds the INSERTs sets up the session of psql.
console.log(dump.slice(dump.indexOf('\nINSERT INTO'), dump.lastIndexOf(');\n') + 2));
