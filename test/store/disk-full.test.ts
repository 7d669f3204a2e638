import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { withDatabase } from '../../lab/assertions/stored-truth.ts';
import { dovecot } from '../../lab/servers/shared-servers.ts';
import { newDataDir } from '../../lab/service/embedded-template.ts';
import { runMain } from '../../lab/service/main-process.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import { connectAccount, finishedRun, startSync, verifyChain } from '../../lab/service/sync.ts';
import { waitFor } from '../../lab/wait.ts';

vi.setConfig({ testTimeout: 240_000 });
const API_KEY = `mt_test_${randomBytes(32).toString('base64url')}`;
const MEBIBYTE = 1024 * 1024;
/** The sentence with which the service ends. */
const SENTENCE = /^Mailtide ends: the embedded database failed: no space is left on the disk of DATA_DIR /m;
const UNCAUGHT = /triggerUncaughtException|^(node:internal|uncaught)/im;

let mounted: string;
let dataDir: string;

// Only root can mount a small file system, as in CI or with sudo.
describe.skipIf(process.getuid!() !== 0)('on a small file system (root only)', () => {
  beforeEach(() => {
    mounted = mkdtempSync(join(tmpdir(), 'small-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=320m', 'tmpfs', mounted]);
    const template = newDataDir();
    dataDir = join(mounted, 'data');
    cpSync(template, dataDir, { recursive: true });
    rmSync(template, { recursive: true });
  });

  afterEach(() => {
    execFileSync('umount', ['--lazy', mounted]);
    rmSync(mounted, { recursive: true });
  });

  const fillFile = (): string => join(mounted, 'fill');

  /** Fills the disk up to that many free bytes. */
  function leave(bytes: number): void {
    const { bavail, bsize } = statfsSync(mounted);
    writeFileSync(fillFile(), Buffer.alloc(bavail * bsize - bytes, 1));
  }

  const start = (): Promise<Service> => startService({ dataDir, environment: { API_KEY, SYNC_CONCURRENCY: '1' } });

  const tenantName = async (service: Service): Promise<string> => {
    const { viewer } = await service.data<{ viewer: { tenant: { name: string } } }>('{ viewer { tenant { name } } }');
    return viewer.tenant.name;
  };

  test('the service stops storing, reports it, and stores the rest once there is space', async () => {
    const messages = 900;
    const letters = Array.from({ length: messages }, (_, i) => ({
      bytes: Buffer.from(
        `From: a@b.c\r\nSubject: ${i}\r\nMessage-ID: <${i}@b.c>\r\n\r\n${randomBytes(36_000).toString('base64')}\r\n`,
      ),
    }));
    dovecot.addUser('disk-full', { INBOX: letters });
    let service = await start();
    try {
      const account = await connectAccount(service, dovecot, 'disk-full');
      leave(25 * MEBIBYTE);
      const runId = await startSync(service, account);
      // Which of the two happens depends on what needs the next block: a table or the log.
      const died = waitFor(() => SENTENCE.test(service.log()), { what: 'the end', timeoutMs: 120_000 });
      const ended = await Promise.race([finishedRun(service, runId).catch(() => died), died]);
      if (ended === true) {
        expect(await service.stop()).toBe(1);
      } else {
        died.catch(() => {});
        expect(ended).toMatchObject({ status: 'FAILED', error: { code: 'DATABASE_FULL' } });
        expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
      }
      expect(service.log()).not.toMatch(UNCAUGHT);
      rmSync(fillFile());
      if (ended === true) service = await start();
      const answered = waitFor(() => tenantName(service), { what: 'an answer', timeoutMs: 25_000 });
      expect(await answered).not.toBe('');
      const last = await finishedRun(service, await startSync(service, account));
      expect(last).toMatchObject({ status: 'SUCCEEDED' });
      const { rows } = await withDatabase({ dataDir }, (client) =>
        client.query(`SELECT count(*)::int AS stored FROM message_location WHERE state = 'STORED'`),
      );
      expect(rows).toEqual([{ stored: messages }]);
      expect(await verifyChain(service, account)).toMatchObject({ ok: true });
    } finally {
      await service.stop();
    }
  });

  test('no space for the log of the database ends the process with one sentence', async () => {
    await using service = await start();
    leave(0);
    const ready = await fetch(`${service.url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'the disk of the database is full' }]);
    // A segment of the log has 16 MiB, so this needs the next one. The connection ends with the database.
    const filling = withDatabase({ dataDir }, (client) =>
      client.query(`SELECT pg_logical_emit_message(true, '', repeat('x', 17 * ${MEBIBYTE}))`),
    );
    await expect(filling).rejects.toThrow();
    await waitFor(() => SENTENCE.test(service.log()), { what: 'the end', timeoutMs: 30_000 });
    expect(await service.stop()).toBe(1);
    expect(service.log()).not.toMatch(UNCAUGHT);

    await using early = runMain({ DATA_DIR: dataDir, API_KEY });
    expect(await early.ended).toEqual({ code: 1, signal: null });
    expect(early.stderr()).toMatch(/^Mailtide cannot start: .*no space/i);
    expect(early.stderr()).not.toMatch(UNCAUGHT);

    rmSync(fillFile());
    await using again = await start();
    expect(await tenantName(again)).not.toBe('');
    expect((await fetch(`${again.url}/readyz`)).status).toBe(200);
  });
});
