import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { mails } from '../../lab/mail/mails.ts';
import { type ScriptedImap, startScriptedImap } from '../../lab/scripted-servers/scripted-imap.ts';
import { dovecot, postgres } from '../../lab/servers/shared-servers.ts';
import { addSecondTenant } from '../../lab/service/second-tenant.ts';
import { type GraphqlAnswer, type Service, startService } from '../../lab/service/service.ts';
import { connectAccount, finishedRun } from '../../lab/service/sync.ts';

vi.setConfig({ testTimeout: 60_000 });
let service: Service;
let stranger: string;
/** Accepts connections and sends nothing: a run stays active for as long as a test needs it. */
let silent: ScriptedImap;

beforeAll(async () => {
  const databaseUrl = await postgres.createDatabase();
  silent = await startScriptedImap();
  service = await startService({ databaseUrl });
  stranger = await addSecondTenant(databaseUrl);
});

afterAll(async () => {
  await service?.stop();
  await silent?.stop();
});

type Started = { status: string; alreadyActive: boolean; message: string; run: { id: string; status: string } };

const START = `mutation ($id: ID!) { startEmailSync(accountId: $id) { status alreadyActive message run { id status } } }`;

async function start(id: string): Promise<Started> {
  return (await service.data<{ startEmailSync: Started }>(START, { id })).startEmailSync;
}

async function silentAccount(name: string, isActive = true): Promise<string> {
  const { createEmailAccount } = await service.data<{ createEmailAccount: { id: string } }>(
    'mutation ($input: CreateEmailAccountInput!) { createEmailAccount(input: $input) { id } }',
    {
      input: {
        emailAddress: `${name}@example.com`,
        imap: { host: silent.host, port: silent.port, security: 'NONE' },
        credentials: { password: 'secret' },
        isActive,
        verify: false,
      },
    },
  );
  return createEmailAccount.id;
}

async function runsOf(account: string): Promise<string[]> {
  const { syncRuns } = await service.data<{ syncRuns: { edges: { node: { id: string } }[] } }>(
    'query ($id: ID!) { syncRuns(accountId: $id) { edges { node { id } } } }',
    { id: account },
  );
  return syncRuns.edges.map(({ node }) => node.id);
}

const codesOf = ({ errors = [] }: GraphqlAnswer<unknown>): string[] => errors.map((error) => error.extensions.code);

describe('startEmailSync', () => {
  test('returns before the server answers; a second call returns the active run', async () => {
    const account = await silentAccount('silent');
    const first = await start(account);
    expect(first).toMatchObject({ status: 'QUEUED', alreadyActive: false, run: { status: 'QUEUED' } });
    const second = await start(account);
    expect(second).toMatchObject({ alreadyActive: true, run: { id: first.run.id } });
    expect(second.status).toBe(second.run.status);
    expect(second.message).not.toBe(first.message);

    await service.data('mutation ($id: ID!) { cancelEmailSync(runId: $id) { id } }', { id: first.run.id });
    const third = await start(account);
    expect(third).toMatchObject({ status: 'QUEUED', alreadyActive: false });
    expect(await runsOf(account)).toEqual([third.run.id, first.run.id]);
  });

  test('concurrent calls start one run', async () => {
    const account = await silentAccount('crowded');
    const started = await Promise.all(Array.from({ length: 50 }, () => start(account)));
    expect(new Set(started.map(({ run }) => run.id)).size).toBe(1);
    expect(started.filter(({ alreadyActive }) => !alreadyActive)).toHaveLength(1);
    expect(await runsOf(account)).toHaveLength(1);
  });

  test("an unknown account, or another tenant's, is NOT_FOUND", async () => {
    const account = await silentAccount('private');
    expect(codesOf(await service.ask(START, { id: account }, stranger))).toEqual(['NOT_FOUND']);
    const ofAnotherType = Buffer.from(account, 'base64url').toString().replace('EmailAccount', 'SyncRun');
    const unknown = `EmailAccount:${crypto.randomUUID()}`;
    for (const id of ['', 'nonsense', "';--", ...[ofAnotherType, unknown].map((one) => btoa(one))]) {
      expect(codesOf(await service.ask(START, { id })), id).toEqual(['NOT_FOUND']);
    }
    expect(await runsOf(account)).toEqual([]);
  });

  test('a paused account is ACCOUNT_PAUSED', async () => {
    const account = await silentAccount('paused', false);
    expect(codesOf(await service.ask(START, { id: account }))).toEqual(['ACCOUNT_PAUSED']);
    await service.data('mutation ($id: ID!) { updateEmailAccount(id: $id, input: { isActive: true }) { id } }', {
      id: account,
    });
    expect(await start(account)).toMatchObject({ status: 'QUEUED', alreadyActive: false });
  });
});

test('startAllEmailSyncs skips paused and foreign accounts, and returns active runs', async () => {
  dovecot.addUser('all', { INBOX: mails(0, 5) });
  const quick = await connectAccount(service, dovecot, 'all');
  const active = await silentAccount('all-active');
  const { run } = await start(active);
  const paused = await silentAccount('all-paused', false);
  const startAll = 'mutation { startAllEmailSyncs { alreadyActive run { id account { id } } } }';
  type All = { startAllEmailSyncs: { alreadyActive: boolean; run: { id: string; account: { id: string } } }[] };
  expect((await service.ask<All>(startAll, {}, stranger)).data).toEqual({ startAllEmailSyncs: [] });

  const started = new Map(
    (await service.data<All>(startAll)).startAllEmailSyncs.map((one) => [one.run.account.id, one]),
  );
  expect(started.get(active)).toMatchObject({ alreadyActive: true, run: { id: run.id } });
  expect(started.has(paused)).toBe(false);
  expect(await runsOf(paused)).toEqual([]);
  const fresh = started.get(quick)!;
  expect(fresh.alreadyActive).toBe(false);
  // The accounts of the silent server use all slots, so cancelling them lets the queue continue.
  for (const { run } of started.values()) {
    if (run.id === fresh.run.id) continue;
    await service.data('mutation ($id: ID!) { cancelEmailSync(runId: $id) { id } }', { id: run.id });
  }
  expect(await finishedRun(service, fresh.run.id)).toMatchObject({ status: 'SUCCEEDED', messagesProcessed: 5 });
});
