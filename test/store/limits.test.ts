import { rmSync } from 'node:fs';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { insertTestAccount } from '../../lab/assertions/stored-account.ts';
import { openTunnel, type Tunnel } from '../../lab/proxies/tunnel.ts';
import { postgres } from '../../lab/servers/shared-servers.ts';
import { newDataDir } from '../../lab/service/embedded-template.ts';
import { newId } from '../../src/domain/ids.ts';
import { deleteAccount } from '../../src/store/accounts/delete-account.ts';
import { type Database, openDatabase } from '../../src/store/plumbing/database.ts';
import { inTransaction } from '../../src/store/plumbing/sql.ts';

/** Every wait for the database ends: the waiting client gets an error, and the next one is served. */
const LIMIT_MS = 500;

const dataDir = newDataDir();
let database: Database;

const tenants = () => database.prisma.tenant.count();
const addTenant = (name: string) =>
  inTransaction(database.pool, (tx) =>
    tx.query('INSERT INTO tenant (id, name) VALUES ($1, $2) RETURNING id', [newId(), name]),
  );

describe.each([
  { name: 'embedded', location: async () => ({ url: undefined, dataDir }) },
  { name: 'server', location: async () => ({ url: await postgres.createDatabase(), dataDir: '' }) },
])('$name', ({ location }) => {
  beforeAll(async () => {
    // Created and migrated without a limit.
    const { url } = await location();
    if (!url) await (await openDatabase({ url, dataDir })).close();
    return () => rmSync(dataDir, { recursive: true, force: true });
  });

  beforeEach(async () => {
    database = await openDatabase({ ...(await location()), limitMs: LIMIT_MS });
  });

  afterEach(() => database?.close());

  test('a statement that waits too long ends with an error, and the next one works', async () => {
    const holder = await database.pool.connect();
    await holder.query('BEGIN');
    await holder.query('LOCK TABLE tenant IN ACCESS EXCLUSIVE MODE');
    await expect(tenants()).rejects.toThrow();
    await expect(database.pool.query('SELECT count(*) FROM tenant')).rejects.toThrow(/timeout/);
    await expect(addTenant('alice')).rejects.toThrow(/timeout/);
    await holder.query('COMMIT');
    holder.release();
    expect(await tenants()).toBe(0);
    expect(await addTenant('alice')).toHaveLength(1);
    await database.prisma.tenant.deleteMany();
  });

  test('a client that gets no connection receives an error', async () => {
    const all = await Promise.all(Array.from({ length: database.pool.options.max }, () => database.pool.connect()));
    await expect(database.pool.query('SELECT 1')).rejects.toThrow(/timeout/);
    for (const client of all) client.release();
    expect((await database.pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });

  test('deleting an account, which may be large, has a longer limit', async () => {
    const { tenantId, accountId } = await insertTestAccount(database);
    const seconds = (3 * LIMIT_MS) / 1000;
    await database.pool.query(
      `CREATE OR REPLACE FUNCTION take_long() RETURNS trigger LANGUAGE plpgsql
       AS $$ BEGIN PERFORM pg_sleep(${seconds}); RETURN OLD; END $$;
       CREATE TRIGGER take_long BEFORE DELETE ON email_account FOR EACH ROW EXECUTE FUNCTION take_long()`,
    );
    expect(await deleteAccount(database.pool, { tenantId, id: accountId })).toBe(true);
    expect(await database.prisma.emailAccount.count()).toBe(0);
    await expect(database.pool.query(`SELECT pg_sleep(${seconds})`)).rejects.toThrow(/timeout/);
  });
});

describe('a server that became unreachable', () => {
  let cable: Tunnel;

  beforeEach(async () => {
    const url = new URL(await postgres.createDatabase());
    cable = await openTunnel({ host: url.hostname, port: Number(url.port) });
    url.port = String(cable.port);
    database = await openDatabase({ url: url.href, dataDir: '', limitMs: LIMIT_MS });
  });

  afterEach(async () => {
    cable?.plug();
    await database?.close();
    await cable?.[Symbol.asyncDispose]();
  });

  test('statements, transactions and logins end with an error, and work again later', async () => {
    await tenants();
    const open = await database.pool.connect();
    await open.query('BEGIN');
    cable.pull();
    await expect(open.query('SELECT 1')).rejects.toThrow(/timeout/);
    open.release(true);
    await expect(tenants()).rejects.toThrow();
    await expect(addTenant('alice')).rejects.toThrow(/timeout/);
    cable.plug();
    expect(await addTenant('bob')).toHaveLength(1);
    expect(await database.prisma.tenant.findMany({ where: { name: 'bob' } })).toHaveLength(1);
  });
});

test('defaults: a minute for statements, ten seconds for idle transactions', async () => {
  await using opened = new AsyncDisposableStack();
  const usual = await openDatabase({ url: await postgres.createDatabase(), dataDir: '' });
  opened.defer(() => usual.close());
  const set = async (name: string) => (await usual.pool.query<Record<string, string>>(`SHOW ${name}`)).rows[0]![name];
  expect(await set('statement_timeout')).toBe('1min');
  expect(await set('idle_in_transaction_session_timeout')).toBe('10s');
  // In the middle of a statement it takes as long as TCP waits, 10 + 2 x 5 seconds.
  const tcp = ['tcp_keepalives_idle', 'tcp_keepalives_interval', 'tcp_keepalives_count', 'tcp_user_timeout'];
  expect(await Promise.all(tcp.map(set))).toEqual(['10', '5', '2', '20000']);
  expect(usual.pool.options).toMatchObject({ connectionTimeoutMillis: 60_000, query_timeout: 75_000 });
});
