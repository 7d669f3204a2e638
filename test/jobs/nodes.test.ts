import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { truth } from '../../lab/assertions/server-truth.ts';
import { storedTruth, withDatabase } from '../../lab/assertions/stored-truth.ts';
import { mails } from '../../lab/mail/mails.ts';
import { dovecot, postgres } from '../../lab/servers/shared-servers.ts';
import { logOf } from '../../lab/service/log-lines.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import { connectAccount, finishedRun, startSync, syncRun, verifyChain } from '../../lab/service/sync.ts';
import { waitFor } from '../../lab/wait.ts';

/** Several services on one database. */
const API_KEY = `mt_test_${randomBytes(32).toString('base64url')}`;
const SIZE = 2000;
vi.setConfig({ testTimeout: 120_000 });
let databaseUrl: string;
let survivor: Service;

const node = (environment: Record<string, string> = {}) =>
  startService({ databaseUrl, environment: { API_KEY, ...environment } });

beforeAll(async () => {
  databaseUrl = await postgres.createDatabase();
  survivor = await node();
});

afterAll(() => survivor?.stop());

test("a killed node's run is taken over once its lease has expired, not before", async () => {
  const user = 'taken-over';
  dovecot.addUser(user, { INBOX: mails(0, SIZE) });
  const victim = await node();
  const account = await connectAccount(victim, dovecot, user);
  const runId = await startSync(victim, account);
  await waitFor(async () => (await syncRun(survivor, runId)).messagesProcessed > 200, {
    what: 'the middle of the run',
    timeoutMs: 60_000,
  });
  await victim.stop('SIGKILL');
  const dead = await syncRun(survivor, runId);
  expect(dead).toMatchObject({ status: 'RUNNING', attempt: 1 });

  const look = () =>
    withDatabase({ databaseUrl }, async (client) => {
      const { rows } = await client.query<{ leaseSeconds: number }>(
        `SELECT extract(epoch FROM lease_expires_at - now())::float8 AS "leaseSeconds" FROM sync_run`,
      );
      return rows[0]!.leaseSeconds;
    });
  expect(await look()).toBeGreaterThan(5);
  expect(logOf(survivor, runId)).not.toContain('resuming');
  // Skips the rest of the lease.
  await withDatabase({ databaseUrl }, (client) => client.query('UPDATE sync_run SET lease_expires_at = now()'));

  const run = await finishedRun(survivor, runId);
  expect(run).toMatchObject({ status: 'SUCCEEDED', attempt: 2, messagesProcessed: SIZE });
  expect(logOf(survivor, runId)).toContain('resuming a run whose worker died');
  expect(await storedTruth({ databaseUrl }, `${user}@example.com`)).toEqual(await truth({ ...dovecot, user }));
  expect(await verifyChain(survivor, account)).toMatchObject({ ok: true });
});

test('a node without the worker role leaves its runs to one that has it', async () => {
  dovecot.addUser('no-worker', { INBOX: mails(0, 20) });
  await using api = await node({ ROLES: 'api' });
  const runId = await startSync(api, await connectAccount(api, dovecot, 'no-worker'));
  expect(await finishedRun(api, runId)).toMatchObject({ status: 'SUCCEEDED', messagesProcessed: 20 });
  expect(logOf(survivor, runId)).toContain('sync started');
  expect(logOf(api, runId)).not.toContain('sync started');
});
