import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { withDatabase } from '../../lab/assertions/stored-truth.ts';
import { emptyDatabase, type Postgres, startPostgres } from '../../lab/servers/postgres.ts';
import type { ServerProcess } from '../../lab/servers/server-process.ts';
import { dovecot } from '../../lab/servers/shared-servers.ts';
import { startService } from '../../lab/service/service.ts';
import { connectAccount, finishedRun, startSync, verifyChain } from '../../lab/service/sync.ts';
import { waitFor } from '../../lab/wait.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });
const MEBIBYTE = 1024 * 1024;

let postgres: Postgres & ServerProcess;
let mounted: string;

// Only root can mount a small file system, as in CI or with sudo.
describe.skipIf(process.getuid!() !== 0)('PostgreSQL with its tables on a small file system (root only)', () => {
  beforeAll(async () => {
    postgres = await startPostgres();
    mounted = mkdtempSync(join(tmpdir(), 'small-disk-'));
    chmodSync(mounted, 0o755);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=200m', 'tmpfs', mounted]);
    mkdirSync(join(mounted, 'tables'));
    execFileSync('chown', ['postgres', join(mounted, 'tables')]);
  });

  afterAll(async () => {
    // Stops before its file system goes, or it would panic.
    await postgres?.stop();
    execFileSync('umount', ['--lazy', mounted]);
    rmSync(mounted, { recursive: true });
  });

  /** A database with all its tables on the small file system. */
  async function createDatabase(): Promise<string> {
    const databaseUrl = await postgres.createDatabase();
    const client = new Client({ connectionString: emptyDatabase(postgres) });
    await client.connect();
    await client.query(`CREATE TABLESPACE small LOCATION '${join(mounted, 'tables')}'`);
    await client.query(`ALTER DATABASE ${new URL(databaseUrl).pathname.slice(1)} SET TABLESPACE small`);
    await client.end();
    return databaseUrl;
  }

  test('runs fail with DATABASE_FULL, /readyz is 503, and the rest is stored later', async () => {
    const messages = 900;
    const letters = Array.from({ length: messages }, (_, i) => ({
      bytes: Buffer.from(
        `From: a@b.c\r\nSubject: ${i}\r\nMessage-ID: <${i}@b.c>\r\n\r\n${randomBytes(36_000).toString('base64')}\r\n`,
      ),
    }));
    dovecot.addUser('disk-full-postgres', { INBOX: letters });
    const databaseUrl = await createDatabase();
    await using service = await startService({ databaseUrl });
    const account = await connectAccount(service, dovecot, 'disk-full-postgres');
    const fill = join(mounted, 'fill');
    const { bavail, bsize } = statfsSync(mounted);
    writeFileSync(fill, Buffer.alloc(bavail * bsize - 10 * MEBIBYTE, 1));

    const failed = await finishedRun(service, await startSync(service, account));
    expect(failed, service.log().slice(-3000)).toMatchObject({ status: 'FAILED', error: { code: 'DATABASE_FULL' } });
    const ready = await fetch(`${service.url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'the disk of the database is full' }]);
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200);

    rmSync(fill);
    await waitFor(async () => (await fetch(`${service.url}/readyz`)).ok, { what: 'it to be ready', timeoutMs: 60_000 });
    const run = await finishedRun(service, await startSync(service, account));
    expect(run).toMatchObject({ status: 'SUCCEEDED' });
    const { rows } = await withDatabase({ databaseUrl }, (client) =>
      client.query(`SELECT count(*)::int AS stored FROM message_location WHERE state = 'STORED'`),
    );
    expect(rows).toEqual([{ stored: messages }]);
    expect(await verifyChain(service, account)).toMatchObject({ ok: true });
  });
});
