import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { insertTestAccounts } from '../../lab/assertions/stored-account.ts';
import { type ScriptedImap, startScriptedImap } from '../../lab/scripted-servers/scripted-imap.ts';
import { postgres } from '../../lab/servers/shared-servers.ts';
import { newId } from '../../src/domain/ids.ts';
import { MailtideError } from '../../src/errors.ts';
import { openImapConnection } from '../../src/imap/open-connection.ts';
import { createHostGate, type HostGate } from '../../src/jobs/attempt/host-gate.ts';
import { type Database, openDatabase } from '../../src/store/plumbing/database.ts';
import { claimNextRun, claimRun } from '../../src/store/runs/claim-run.ts';
import { startRun } from '../../src/store/runs/start-run.ts';
import { loginTo } from '../imap/scripted-mailbox.ts';

let database: Database;
let one: HostGate;
let other: HostGate;
let server: ScriptedImap;
/** The server's greeting. */
const script = { greeting: '* OK ready' };

beforeAll(async () => {
  database = await openDatabase({ url: await postgres.createDatabase(), dataDir: '' });
  one = createHostGate(database.pool);
  other = createHostGate(database.pool);
  server = await startScriptedImap(script);
});

afterAll(async () => {
  await server?.stop();
  await database?.close();
});

beforeEach(async () => {
  await database.prisma.tenant.deleteMany();
  await database.prisma.imapHost.deleteMany();
});

const HOST = 'mail.example';
/** Two nodes: two gates on one database. */
const forever = new AbortController().signal;
const connect = (accountId: string, { gate = one, host = HOST, signal = forever } = {}) =>
  gate.connect({ host, accountId, signal }, () => openImapConnection(loginTo(server)));

/** Accounts with a running run. */
async function running(count: number, imapHost = HOST): Promise<string[]> {
  const tenantId = newId();
  const accounts = await insertTestAccounts(database, tenantId, { count, imapHost });
  for (const id of accounts) {
    await startRun(database.pool, tenantId, id, 'INCREMENTAL', 'USER');
    await claimNextRun(database.pool);
  }
  return accounts;
}

const countedAt = async (accountId: string) =>
  (await database.prisma.syncRun.findFirstOrThrow({ where: { accountId, finishedAt: null } })).connections;
const cooling = async () => (await database.prisma.imapHost.findMany()).map(({ host, refusals }) => [host, refusals]);

/** Whether it still waits after several polls of the rows. */
async function waits(connecting: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = () => {
    settled = true;
  };
  connecting.then(settle, settle);
  await pause(800);
  return !settled;
}

test('an account has at most four connections at a host; the fifth waits for a close', async () => {
  const [ann, bob] = (await running(2)) as [string, string];
  const four = await Promise.all([1, 2, 3, 4].map(() => connect(ann)));
  expect(await countedAt(ann)).toBe(4);
  const fifth = connect(ann);
  expect(await waits(fifth)).toBe(true);
  const neighbour = await connect(bob);
  await four[0]!.close();
  await four[0]!.close();
  const connections = [...four.slice(1), await fifth, neighbour];
  const sixth = connect(ann);
  expect(await waits(sixth)).toBe(true);
  for (const connection of connections) await connection.close();
  await (await sixth).close();
  expect([await countedAt(ann), await countedAt(bob)]).toEqual([1, 1]);
});

test('a host has at most twenty connections over all nodes, 19 of them first ones', async () => {
  const accounts = await running(19);
  const [ann, bob] = accounts as [string, string];
  const firsts = await Promise.all(accounts.map((id, i) => connect(id, { gate: i % 2 === 0 ? one : other })));
  const second = await connect(ann);
  const next = connect(bob, { gate: other });
  expect(await waits(next)).toBe(true);
  const unlike = (await running(1, 'elsewhere.example'))[0]!;
  await (await connect(unlike, { host: 'elsewhere.example' })).close();
  await second.close();
  await (await next).close();
  for (const connection of firsts) await connection.close();
});

test('no run is claimed at a host whose connections are all open', async () => {
  const host = 'imap.mail.yahoo.com';
  const accounts = await running(8, host);
  const two = await Promise.all([connect(accounts[0]!, { host }), connect(accounts[0]!, { host })]);
  const more = await Promise.all([connect(accounts[1]!, { host }), connect(accounts[1]!, { host })]);
  const tenantId = newId();
  const [waiting] = await insertTestAccounts(database, tenantId, { count: 1, imapHost: host });
  const { run } = await startRun(database.pool, tenantId, waiting!, 'INCREMENTAL', 'USER');
  expect(await claimNextRun(database.pool)).toBeNull();
  expect(await claimRun(database.pool, run.id)).toEqual({ until: null });
  await two[1]!.close();
  expect(await claimRun(database.pool, run.id)).toMatchObject({ run: { status: 'RUNNING', connections: 1 } });
  for (const connection of [two[0]!, ...more]) await connection.close();
});

test('a cancelled run stops waiting for a connection', async () => {
  const [ann] = (await running(1)) as [string];
  const four = await Promise.all([1, 2, 3, 4].map(() => connect(ann)));
  const stop = new AbortController();
  const fifth = connect(ann, { signal: stop.signal });
  stop.abort();
  await expect(fifth).rejects.toMatchObject({ code: 'RUN_CANCELLED' });
  for (const connection of four) await connection.close();
});

test('a host that turns connections away cools down until a login succeeds', async () => {
  script.greeting = '* BYE Too many connections';
  await expect(connect('ann')).rejects.toMatchObject({ code: 'IMAP_TURNED_AWAY' });
  await expect(connect('ann')).rejects.toMatchObject({ code: 'IMAP_TURNED_AWAY' });
  expect(await cooling()).toEqual([['mail.example', 2]]);
  script.greeting = '* OK ready';
  await (await connect('ann')).close();
  expect(await cooling()).toEqual([]);
});

test('a refused account does not cool its host, and uses no slot', async () => {
  const refused = () =>
    one.connect({ host: HOST, accountId: 'ann', signal: forever }, () =>
      Promise.reject<never>(new MailtideError('IMAP_AUTH_FAILED')),
    );
  for (let i = 0; i < 5; i += 1) await expect(refused()).rejects.toMatchObject({ code: 'IMAP_AUTH_FAILED' });
  expect(await cooling()).toEqual([]);
  await (await connect('ann')).close();
});
