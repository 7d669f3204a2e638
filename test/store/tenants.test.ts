import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newDataDir } from '../../lab/service/embedded-template.ts';
import { type Database, openDatabase } from '../../src/store/plumbing/database.ts';
import { newApiKey, parseApiKey } from '../../src/store/tenancy/api-key.ts';
import { authenticate, createAuthenticator } from '../../src/store/tenancy/authenticator.ts';
import { createSession } from '../../src/store/tenancy/sessions.ts';
import { addKey, addTenant, ensureFirstTenant, listTenants } from '../../src/store/tenancy/tenants.ts';

let dataDir: string;
let database: Database;

beforeAll(async () => {
  dataDir = newDataDir();
  database = await openDatabase({ url: undefined, dataDir });
});

beforeEach(() => database.prisma.tenant.deleteMany());

afterAll(async () => {
  await database?.close();
  await rm(dataDir, { recursive: true, force: true });
});

describe('the first tenant', () => {
  test('gets a key at the first start only', async () => {
    const key = await ensureFirstTenant(database.prisma, undefined);
    expect(key).toMatch(/^mt_[A-Za-z0-9]{12}_[A-Za-z0-9_-]{43}$/);
    expect(await authenticate(database.prisma, key!)).not.toBeNull();
    expect(await ensureFirstTenant(database.prisma, undefined)).toBeNull();
  });

  test('uses the configured key until another one is configured', async () => {
    const { prisma } = database;
    const own = (await ensureFirstTenant(prisma, undefined))!;
    const [first, second] = [newApiKey(), newApiKey()];

    expect(await ensureFirstTenant(prisma, first)).toBeNull();
    const session = await createSession(prisma, (await authenticate(prisma, first))!);
    await ensureFirstTenant(prisma, first);
    expect(await createAuthenticator(prisma).session(session)).not.toBeNull();

    await ensureFirstTenant(prisma, second);
    expect(await authenticate(prisma, first)).toBeNull();
    expect(await createAuthenticator(prisma).session(session)).toBeNull();
    const { tenantId } = (await authenticate(prisma, own))!;
    expect(await authenticate(prisma, second)).toMatchObject({ tenantId, apiKeyId: idOf(second) });
  });

  test('has the new secret if the configured key keeps its id', async () => {
    const { prisma } = database;
    const first = newApiKey();
    const second = `mt_${idOf(first)}_${'s'.repeat(43)}`;
    await ensureFirstTenant(prisma, first);
    await ensureFirstTenant(prisma, second);
    expect([await authenticate(prisma, first), await authenticate(prisma, second)]).toEqual([null, expect.anything()]);
  });

  test('is created once when two nodes start at the same time', async () => {
    await Promise.all([1, 2, 3].map(() => ensureFirstTenant(database.prisma, newApiKey())));
    expect(await listTenants(database.prisma)).toHaveLength(1);
  });

  test('rejects a configured key of another tenant', async () => {
    await ensureFirstTenant(database.prisma, undefined);
    const key = await addTenant(database.prisma, 'other');
    await expect(ensureFirstTenant(database.prisma, key)).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
  });
});

describe('keys', () => {
  test('each give access to their own tenant', async () => {
    const { prisma } = database;
    const keys = [await addTenant(prisma, 'one'), await addKey(prisma, 'one'), await addTenant(prisma, 'two')];
    const tenants = await Promise.all(keys.map(async (key) => (await authenticate(prisma, key))?.tenantId));
    expect(tenants[0]).toBe(tenants[1]);
    expect(tenants[2]).not.toBe(tenants[0]);
    expect((await listTenants(prisma)).map(({ name, apiKeys }) => [name, apiKeys])).toEqual([
      ['one', 2],
      ['two', 1],
    ]);
  });

  test('are stored as hashes only', async () => {
    const key = await addTenant(database.prisma, 'one');
    const rows = JSON.stringify(await database.prisma.apiKey.findMany());
    expect(rows).not.toContain(parseApiKey(key)!.secret);
  });

  test.each(['', 'nonsense', 'mt_', 'mt_x_short', 'mt_unknown_0123456789012345678901234567890123456789', '\0'])(
    'are rejected if they are %j',
    async (key) => expect(await authenticate(database.prisma, key)).toBeNull(),
  );

  test('are rejected with the secret of another key', async () => {
    const [one, two] = [await addTenant(database.prisma, 'one'), await addTenant(database.prisma, 'two')];
    const mixed = `mt_${idOf(one)}_${two.slice(`mt_${idOf(two)}_`.length)}`;
    expect(await authenticate(database.prisma, mixed)).toBeNull();
  });

  test('an invalid tenant name is rejected with its reason', async () => {
    await addTenant(database.prisma, 'one');
    await expect(addTenant(database.prisma, 'one')).rejects.toThrow('The tenant "one" already exists.');
    await expect(addKey(database.prisma, 'two')).rejects.toThrow('The tenant "two" does not exist.');
  });
});

describe('the authenticator', () => {
  test('queries the database once for a valid key, and each time for an invalid one', async () => {
    const key = await addTenant(database.prisma, 'one');
    const authenticator = createAuthenticator(database.prisma);
    let asked = 0;
    const count = () => asked++;
    database.pool.on('acquire', count);
    for (const _ of [1, 2, 3]) await authenticator.key(key);
    expect(asked).toBe(1);
    for (const _ of [1, 2, 3]) await authenticator.key(newApiKey());
    expect(asked).toBe(4);
    database.pool.off('acquire', count);
  });

  test('ends a session at once, and rejects an expired one', async () => {
    const { prisma } = database;
    const identity = (await authenticate(prisma, await addTenant(prisma, 'one')))!;
    const authenticator = createAuthenticator(prisma);
    const token = await createSession(prisma, identity);
    const { tenantId, apiKeyId } = identity;
    expect(await authenticator.session(token)).toMatchObject({ tenantId, apiKeyId, keyHash: null });
    await authenticator.endSession(token);
    expect(await authenticator.session(token)).toBeNull();

    const old = await createSession(prisma, identity);
    await prisma.session.updateMany({ data: { expiresAt: new Date(Date.now() - 1) } });
    expect(await authenticator.session(old)).toBeNull();
    await createSession(prisma, identity);
    expect(await prisma.session.count()).toBe(1);

    // Created while the clock was a year ahead.
    const ahead = await createSession(prisma, identity);
    await prisma.session.updateMany({ data: { expiresAt: new Date(Date.now() + 395 * 24 * 60 * 60 * 1000) } });
    expect(await authenticator.session(ahead)).toBeNull();
    await createSession(prisma, identity);
    expect(await prisma.session.count()).toBe(1);
  });
});

const idOf = (key: string): string => key.split('_')[1]!;
