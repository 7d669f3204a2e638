import { afterAll, beforeAll, expect, test } from 'vitest';
import { MailtideError } from '../../src/errors.ts';
import { openImapConnection } from '../../src/imap/open-connection.ts';
import { createHostGate, type HostGate } from '../../src/jobs/host-gate.ts';
import { type Database, openDatabase } from '../../src/store/database.ts';
import { loginTo } from '../imap/scripted-mailbox.ts';
import { type ScriptedImap, startScriptedImap } from '../support/scripted-imap.ts';
import { postgres } from '../support/servers.ts';

let database: Database;
let gate: HostGate;
let server: ScriptedImap;
/** What the server says to whoever connects. */
const script = { greeting: '* OK ready' };

beforeAll(async () => {
  database = await openDatabase({ url: await postgres.createDatabase(), dataDir: '' });
  gate = createHostGate(database.pool);
  server = await startScriptedImap(script);
});

afterAll(async () => {
  await server?.stop();
  await database?.close();
});

const forever = new AbortController().signal;
const connect = (accountId: string, { host = 'mail.example', signal = forever } = {}) =>
  gate.connect({ host, accountId, signal }, () => openImapConnection(loginTo(server)));
const cooling = async () => (await database.prisma.imapHost.findMany()).map(({ host, refusals }) => [host, refusals]);

/** Whether it is still waiting after whatever can happen now has happened. */
const waits = async (connecting: Promise<unknown>): Promise<boolean> => {
  let settled = false;
  const settle = () => {
    settled = true;
  };
  connecting.then(settle, settle);
  // Two whole logins of somebody else take longer than one of his.
  for (const host of ['one.example', 'two.example']) await (await connect('other', { host })).close();
  return !settled;
};

test('an account has four connections at a host, and the fifth comes when one is closed', async () => {
  const four = await Promise.all([1, 2, 3, 4].map(() => connect('ann')));
  const fifth = connect('ann');
  expect(await waits(fifth)).toBe(true);
  const neighbour = await connect('bob');
  await four[0]!.close();
  await four[0]!.close();
  const connections = [...four.slice(1), await fifth, neighbour];
  const sixth = connect('ann');
  expect(await waits(sixth)).toBe(true);
  for (const connection of connections) await connection.close();
  await (await sixth).close();
});

test('a host has twenty, whoever they belong to', async () => {
  const twenty = await Promise.all(Array.from({ length: 20 }, (_, i) => connect(`account ${i}`)));
  const next = connect('one more');
  expect(await waits(next)).toBe(true);
  await twenty[7]!.close();
  await (await next).close();
  for (const connection of twenty) await connection.close();
});

test('who waits hears that he need not any more', async () => {
  const four = await Promise.all([1, 2, 3, 4].map(() => connect('ann')));
  const stop = new AbortController();
  const fifth = connect('ann', { signal: stop.signal });
  stop.abort();
  await expect(fifth).rejects.toMatchObject({ code: 'RUN_CANCELLED' });
  for (const connection of four) await connection.close();
});

test('a host that turns connections away cools down until it lets somebody in', async () => {
  script.greeting = '* BYE Too many connections';
  await expect(connect('ann')).rejects.toMatchObject({ code: 'IMAP_TURNED_AWAY' });
  await expect(connect('ann')).rejects.toMatchObject({ code: 'IMAP_TURNED_AWAY' });
  expect(await cooling()).toEqual([['mail.example', 2]]);
  script.greeting = '* OK ready';
  await (await connect('ann')).close();
  expect(await cooling()).toEqual([]);
});

test('an account that is refused does not cool the host, and takes up no place', async () => {
  const refused = () =>
    gate.connect({ host: 'mail.example', accountId: 'ann', signal: forever }, () =>
      Promise.reject<never>(new MailtideError('IMAP_AUTH_FAILED')),
    );
  for (let i = 0; i < 5; i += 1) await expect(refused()).rejects.toMatchObject({ code: 'IMAP_AUTH_FAILED' });
  expect(await cooling()).toEqual([]);
  await (await connect('ann')).close();
});
