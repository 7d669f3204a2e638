import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { truth } from '../../lab/assertions/server-truth.ts';
import { storedRows } from '../../lab/assertions/stored-rows.ts';
import { storedTruth, withDatabase } from '../../lab/assertions/stored-truth.ts';
import { mails } from '../../lab/mail/mails.ts';
import { type CommitTunnel, openCommitTunnel } from '../../lab/proxies/commit-tunnel.ts';
import { type FaultProxy, openFaultProxy } from '../../lab/proxies/fault-proxy.ts';
import { dovecot, postgres } from '../../lab/servers/shared-servers.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import { connectAccount, finishedRun, startSync, sync, syncRun, verifyChain } from '../../lab/service/sync.ts';
import { waitFor } from '../../lab/wait.ts';

/**
 * The service is killed with SIGKILL before each command that a run sends to its mail server, and after each commit,
 * before the service learns of its success; the next start resumes the run. Each kill has an account of its own on the
 * same mailbox. In the end, all accounts have the same rows as one whose run was not interrupted.
 */
const API_KEY = `mt_test_${randomBytes(32).toString('base64url')}`;
const SECONDS = 1000;
// Some sixty starts of the service and seventy first syncs, on any machine.
vi.setConfig({ testTimeout: 1800 * SECONDS, hookTimeout: 900 * SECONDS });

export type Script = {
  readonly name: string;
  /** What the accounts have synced before; null for nothing. */
  readonly change: ((user: string) => Promise<void>) | null;
};

/** Enough accounts for every point of a run. */
const ACCOUNTS = 70;

export function diesAnywhere({ name, change }: Script): void {
  const user = `crash-${name}`;
  const address = (n: number) => `${user}-${n}@example.com`;
  let databaseUrl: string;
  let commits: CommitTunnel;
  let proxy: FaultProxy;
  let service: Service;
  const accounts: string[] = [];

  const start = () => startService({ databaseUrl: commits.databaseUrl, environment: { API_KEY } });

  beforeAll(async () => {
    dovecot.addUser(user, {
      INBOX: mails(0, 12),
      Archive: mails(12, 16),
      Old: mails(16, 18),
      Reset: mails(18, 20),
    });
    databaseUrl = await postgres.createDatabase();
    commits = await openCommitTunnel(databaseUrl);
    proxy = await openFaultProxy(dovecot);
    service = await start();
    for (let n = 0; n < ACCOUNTS; n += 1) {
      const account = await connectAccount(service, { ...dovecot, port: proxy.port }, user, {
        emailAddress: address(n),
      });
      accounts.push(account);
      if (change) await sync(service, account);
    }
    await change?.(user);
  });

  afterAll(async () => {
    await service?.stop();
    await proxy?.[Symbol.asyncDispose]();
    await commits?.[Symbol.asyncDispose]();
  });

  /** Runs `account`, and kills the service at the `at`-th event of that kind. Returns null if the run ended before. */
  async function killedAt(kind: 'command' | 'commit', at: number, account: string): Promise<string | null> {
    let [seen, killed] = [0, false];
    const strike = () => {
      if (killed) return true;
      seen += 1;
      if (seen < at) return false;
      killed = true;
      process.kill(service.pid, 'SIGKILL');
      return true;
    };
    if (kind === 'commit') commits.onCommit = strike;
    else proxy.fault = { command: () => (strike() ? '' : undefined) };
    const runId = await startSync(service, account);
    await waitFor(async () => killed || (await syncRun(service, runId)).status === 'SUCCEEDED', {
      what: 'the run to be killed or over',
      timeoutMs: 30 * SECONDS,
    });
    commits.onCommit = null;
    proxy.fault = null;
    return killed ? runId : null;
  }

  async function resumed(runId: string): Promise<void> {
    await service.stop('SIGKILL');
    // Skips the rest of the dead worker's lease.
    await withDatabase({ databaseUrl }, (client) =>
      client.query(`UPDATE sync_run SET lease_expires_at = now() - interval '1 second' WHERE status = 'RUNNING'`),
    );
    service = await start();
    expect(await finishedRun(service, runId)).toMatchObject({ status: 'SUCCEEDED' });
  }

  test(`a run of the script "${name}", killed anywhere, ends with the same rows`, async () => {
    let count = 0;
    const before = proxy.commands.length;
    commits.onCommit = () => {
      count += 1;
      return false;
    };
    await sync(service, accounts[0]!);
    commits.onCommit = null;
    const points = { command: proxy.commands.length - before, commit: count };
    const expected = await storedRows({ databaseUrl }, address(0));
    expect(await storedTruth({ databaseUrl }, address(0))).toEqual(await truth({ ...dovecot, user }));
    expect(points.command + points.commit).toBeLessThan(ACCOUNTS);

    let [next, kills] = [1, 0];
    for (const kind of ['command', 'commit'] as const) {
      for (let at = 1; at <= points[kind]; at += 1) {
        const [account, n] = [accounts[next]!, next];
        next += 1;
        const runId = await killedAt(kind, at, account);
        // Commits combine differently by timing: a run may have one less.
        if (!runId) continue;
        kills += 1;
        await resumed(runId);
        const where = `killed at ${kind} ${at}`;
        expect(await storedRows({ databaseUrl }, address(n)), where).toEqual(expected);
        expect(await verifyChain(service, account), where).toMatchObject({ ok: true });
      }
    }
    console.log(`${name}: ${points.command} commands, ${points.commit} commits, ${kills} kills`);
    expect(kills).toBeGreaterThan(points.command + points.commit - 5);
  });
}
