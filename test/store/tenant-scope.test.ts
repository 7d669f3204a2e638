import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newDataDir } from '../../lab/service/embedded-template.ts';
import type { PrismaClient } from '../../src/generated/prisma/client.ts';
import { type Database, openDatabase } from '../../src/store/plumbing/database.ts';
import { tenantScoped } from '../../src/store/tenancy/tenant-scope.ts';
import { addTenant } from '../../src/store/tenancy/tenants.ts';
import { storeAccount, storeEvents, storeMessage, storeRun } from '../server/stored-mail.ts';

const MODELS = [
  'emailAccount',
  'mailbox',
  'mailboxProof',
  'messageLocation',
  'message',
  'pack',
  'attachment',
  'thread',
  'syncRun',
  'syncReceipt',
  'event',
] as const;

let dataDir: string;
let database: Database;
let alice: PrismaClient;
let bob: PrismaClient;

beforeAll(async () => {
  dataDir = newDataDir();
  database = await openDatabase({ url: undefined, dataDir });
  // Without the type that hides what the scope rejects.
  const reader = async (name: string): Promise<PrismaClient> => {
    await addTenant(database.prisma, name);
    const { id } = await database.prisma.tenant.findUniqueOrThrow({ where: { name } });
    const account = await storeAccount(database, id, `${name}@example.com`);
    await storeMessage(database, { account, subject: `for ${name}` });
    await storeEvents(database, account.accountId, 1);
    const run = await storeRun(database, account.accountId);
    await database.prisma.mailboxProof.create({ data: { mailboxId: account.inbox } });
    await database.prisma.syncReceipt.create({ data: { runId: run.id, complete: true, mailboxes: [] } });
    return tenantScoped(database.prisma, id) as unknown as PrismaClient;
  };
  alice = await reader('alice');
  bob = await reader('bob');
});

afterAll(async () => {
  await database?.close();
  await rm(dataDir, { recursive: true, force: true });
});

test.each(MODELS)('%s: a tenant finds, counts and aggregates its own rows only', async (model) => {
  // biome-ignore lint/suspicious/noExplicitAny: the same question to models of different types.
  const [mine, hers, all] = [alice, bob, database.prisma].map((client) => client[model] as any);
  const rows = await mine.findMany();
  expect(rows.length).toBeGreaterThan(0);
  expect(await hers.findMany()).not.toEqual(rows);
  expect((await mine.count()) + (await hers.count())).toBe(await all.count());
  expect((await mine.aggregate({ _count: true }))._count).toBe(rows.length);
  expect(await mine.findFirst()).toEqual(rows[0]);
});

test("another tenant's row is found neither by its id nor by any condition", async () => {
  const theirs = await bob.emailAccount.findFirstOrThrow();
  const where = { id: theirs.id };
  expect(await alice.emailAccount.findUnique({ where })).toBeNull();
  expect(await alice.emailAccount.findFirst({ where: { OR: [where, {}], id: theirs.id } })).toBeNull();
  expect(await alice.emailAccount.findMany({ where: { AND: [where], tenantId: theirs.tenantId } })).toEqual([]);
  expect(await alice.emailAccount.count({ where: { AND: where } })).toBe(0);
  expect(await alice.message.findMany({ where: { account: where } })).toEqual([]);
  expect(await alice.emailAccount.groupBy({ by: ['id'], where })).toEqual([]);
  await expect(alice.emailAccount.findUniqueOrThrow({ where })).rejects.toMatchObject({ code: 'P2025' });
  expect(await alice.emailAccount.findFirst({ where: { AND: [{ emailAddress: 'nobody@example.com' }] } })).toBeNull();
});

test('relations return own rows only', async () => {
  const tenant = await alice.tenant.findFirstOrThrow({ include: { accounts: { include: { messages: true } } } });
  expect(
    tenant.accounts.map(({ emailAddress, messages }) => [emailAddress, messages.map((one) => one.subject)]),
  ).toEqual([['alice@example.com', ['for alice']]]);
});

test('everything except reads is rejected, and changes nothing', async () => {
  const { id } = await alice.emailAccount.findFirstOrThrow();
  const data = { displayName: 'changed' };
  await expect(alice.emailAccount.update({ where: { id }, data })).rejects.toThrow('update is not a read.');
  await expect(alice.emailAccount.updateMany({ data })).rejects.toThrow('not a read');
  await expect(alice.emailAccount.deleteMany()).rejects.toThrow('not a read');
  await expect(alice.tenant.create({ data: { id, name: 'x' } })).rejects.toThrow('not a read');
  await expect(alice.$queryRaw`SELECT 1`).rejects.toThrow('cannot be used');
  await expect(alice.$executeRawUnsafe('DELETE FROM tenant')).rejects.toThrow('cannot be used');
  await expect(alice.$transaction((tx) => tx.emailAccount.deleteMany())).rejects.toThrow('not a read');
  expect(await database.prisma.emailAccount.count({ where: { displayName: null } })).toBe(2);
});

test('models without a rule cannot be read', async () => {
  await expect(alice.apiKey.findMany()).rejects.toThrow('ApiKey cannot be used');
  await expect(alice.session.count()).rejects.toThrow('Session cannot be used');
  await expect(alice.threadReference.findMany()).rejects.toThrow('ThreadReference cannot be used');
});
