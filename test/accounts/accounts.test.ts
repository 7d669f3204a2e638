import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { dovecot, postgres } from '../../lab/servers/shared-servers.ts';
import type { CreateAccountInput } from '../../src/accounts/account-input.ts';
import { type Accounts, createAccounts } from '../../src/accounts/accounts.ts';
import { type Keyring, openKeyring } from '../../src/accounts/keyring.ts';
import { createLogins, type StoredLogin } from '../../src/accounts/logins.ts';
import { newId } from '../../src/domain/ids.ts';
import type { ImapLogin } from '../../src/imap/connection.ts';
import { type Database, openDatabase } from '../../src/store/plumbing/database.ts';
import { genesisHash } from '../../src/timeline/chain.ts';

let database: Database;
let keyring: Keyring;
let accounts: Accounts;
let loginOf: (account: StoredLogin) => Promise<ImapLogin>;
let tenantId: string;
let otherTenantId: string;
const stopped: string[] = [];

beforeAll(async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'accounts-'));
  database = await openDatabase({ url: await postgres.createDatabase(), dataDir });
  keyring = await openKeyring({ dataDir });
  const policy = { allowPrivateHosts: true };
  const logins = createLogins(keyring, policy, () => Promise.reject(new Error('no account here has a grant')));
  loginOf = (account) => logins.connect(account, async (login) => login);
  accounts = createAccounts({
    database,
    keyring,
    policy,
    logins,
    intervalMinutes: 15,
    stopSync: async (id) => {
      stopped.push(id);
    },
    onChange() {},
  });
  dovecot.addUser('ann@example.com');
});
afterAll(() => database?.close());

beforeEach(async () => {
  [tenantId, otherTenantId] = [newId(), newId()];
  await database.prisma.tenant.createMany({
    data: [tenantId, otherTenantId].map((id) => ({ id, name: id })),
  });
});

const input = (more: Partial<CreateAccountInput> = {}): CreateAccountInput => ({
  emailAddress: 'ann@example.com',
  imap: { host: dovecot.host, port: dovecot.port, security: 'NONE' },
  credentials: { password: dovecot.password },
  ...more,
});
const unverified = (more: Partial<CreateAccountInput> = {}) => input({ verify: false, ...more });
const rowOf = (id: string) => database.prisma.emailAccount.findUniqueOrThrow({ where: { id } });

describe('create', () => {
  test('tests the connection, stores the account and begins its timeline', async () => {
    const account = await accounts.create(tenantId, input({ displayName: ' Ann ', syncIntervalMinutes: 5 }));
    expect(account).toMatchObject({
      tenantId,
      emailAddress: 'ann@example.com',
      displayName: 'Ann',
      imapHost: dovecot.host,
      imapUsername: 'ann@example.com',
      isActive: true,
      syncIntervalMinutes: 5,
      eventSeq: 1n,
    });
    const [event, ...more] = await database.prisma.event.findMany({ where: { accountId: account.id } });
    expect(more).toEqual([]);
    expect(event).toMatchObject({
      seq: 1n,
      type: 'account_connected',
      payload: { emailAddress: 'ann@example.com', imapHost: dovecot.host },
    });
    expect(Buffer.from(event!.prevHash)).toEqual(genesisHash(account.id));
    expect(Buffer.from(account.eventHash)).toEqual(Buffer.from(event!.hash));
  });

  test('encrypts the password and passes it to the login only', async () => {
    const account = await accounts.create(tenantId, unverified({ credentials: { password: 'hunter2' } }));
    expect(JSON.stringify(account, (_, value) => (typeof value === 'bigint' ? `${value}` : value))).not.toContain(
      'hunter2',
    );
    expect(await loginOf(account)).toEqual({
      host: dovecot.host,
      addresses: [dovecot.host],
      port: dovecot.port,
      security: 'NONE',
      username: 'ann@example.com',
      credentials: { password: 'hunter2' },
    });
    const token = await accounts.create(
      tenantId,
      unverified({ emailAddress: 'bob@example.com', credentials: { oauth2: { accessToken: 'ya29' } } }),
    );
    expect((await loginOf(token)).credentials).toEqual({ accessToken: 'ya29' });
  });

  test('stores nothing if the connection fails', async () => {
    const attempt = accounts.create(tenantId, input({ credentials: { password: 'wrong' } }));
    await expect(attempt).rejects.toMatchObject({
      code: 'IMAP_AUTH_FAILED',
      message: expect.not.stringContaining('wrong'),
    });
    expect(await database.prisma.emailAccount.count({ where: { tenantId } })).toBe(0);
  });

  test('connects an address once per tenant, in any spelling and under concurrency', async () => {
    const [first, second] = await Promise.allSettled([
      accounts.create(tenantId, unverified()),
      accounts.create(tenantId, unverified({ emailAddress: ' ann@EXAMPLE.com ' })),
    ]);
    const [rejected, fulfilled] = first.status === 'rejected' ? [first, second] : [second, first];
    const { id } = (fulfilled as PromiseFulfilledResult<{ id: string }>).value;
    expect(rejected).toMatchObject({ status: 'rejected', reason: { code: 'ACCOUNT_EXISTS', accountId: id } });
    await expect(accounts.create(tenantId, unverified())).rejects.toMatchObject({
      code: 'ACCOUNT_EXISTS',
      accountId: id,
    });
    await expect(accounts.create(otherTenantId, unverified())).resolves.toBeTruthy();
  });

  test.each<[string, Partial<CreateAccountInput>]>([
    ['emailAddress', { emailAddress: 'nobody' }],
    ['emailAddress', { emailAddress: 'a\0@example.com' }],
    ['imap.host', { imap: { host: '', port: 993, security: 'TLS' } }],
    ['imap.host', { imap: { host: 'a b', port: 993, security: 'TLS' } }],
    ['imap.port', { imap: { host: 'example.com', port: 0, security: 'TLS' } }],
    ['imap.port', { imap: { host: 'example.com', port: 65_536, security: 'TLS' } }],
    ['credentials.password', { credentials: { password: '' } }],
    ['credentials.password', { credentials: { password: 'copied with its line end\n' } }],
    ['credentials.password', { credentials: { password: 'two\r\nlines' } }],
    ['credentials.oauth2.accessToken', { credentials: { oauth2: { accessToken: 'token\r' } } }],
    ['credentials', { credentials: {} }],
    ['syncIntervalMinutes', { syncIntervalMinutes: 0 }],
    ['syncIntervalMinutes', { syncIntervalMinutes: 10_081 }],
  ])('rejects a wrong %s (%o)', async (field, more) => {
    await expect(accounts.create(tenantId, unverified(more))).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      message: expect.stringMatching(new RegExp(`^${field}: .+\\.$`)),
    });
  });
});

test('create, several invalid fields, names each in the error', async () => {
  const attempt = accounts.create(
    tenantId,
    unverified({ emailAddress: 'nobody', imap: { host: 'example.com', port: 0, security: 'TLS' } }),
  );
  await expect(attempt).rejects.toMatchObject({
    message: expect.stringMatching(/^emailAddress: .+\. imap\.port: .+\.$/),
  });
});

describe('update', () => {
  test('changes the given fields and nothing else', async () => {
    const { id, credentials } = await accounts.create(
      tenantId,
      unverified({ displayName: 'Ann', syncIntervalMinutes: 5 }),
    );
    await accounts.update(tenantId, id, { isActive: false });
    expect(await rowOf(id)).toMatchObject({ isActive: false, displayName: 'Ann', syncIntervalMinutes: 5, credentials });
    await accounts.update(tenantId, id, { displayName: null, syncIntervalMinutes: null, isActive: null });
    expect(await rowOf(id)).toMatchObject({
      isActive: false,
      displayName: null,
      syncIntervalMinutes: null,
      credentials,
    });
  });

  test('tests new credentials, resumes syncing and keeps the last outcome', async () => {
    const { id } = await accounts.create(tenantId, unverified({ credentials: { password: 'outdated' } }));
    await database.prisma.emailAccount.update({
      where: { id },
      data: {
        lastSyncErrorCode: 'IMAP_AUTH_FAILED',
        lastSyncErrorMessage: 'x',
        lastSyncStatus: 'FAILED',
        needsAuthSince: new Date(),
        nextSyncAt: null,
      },
    });
    const wrong = accounts.update(tenantId, id, { credentials: { password: 'also wrong' } });
    await expect(wrong).rejects.toMatchObject({ code: 'IMAP_AUTH_FAILED' });
    expect(await rowOf(id)).toMatchObject({ lastSyncErrorCode: 'IMAP_AUTH_FAILED' });

    await accounts.update(tenantId, id, { credentials: { password: dovecot.password } });
    const account = await rowOf(id);
    expect(account).toMatchObject({ lastSyncErrorCode: 'IMAP_AUTH_FAILED', lastSyncStatus: 'FAILED' });
    expect(account).toMatchObject({ needsAuthSince: null, nextSyncAt: expect.any(Date) });
    expect((await loginOf(account)).credentials).toEqual({ password: dovecot.password });
  });

  test('keeps an error that is unrelated to the credentials', async () => {
    const { id } = await accounts.create(tenantId, unverified());
    await database.prisma.emailAccount.update({ where: { id }, data: { lastSyncErrorCode: 'IMAP_TIMEOUT' } });
    await accounts.update(tenantId, id, { credentials: { password: 'new' }, verify: false });
    expect((await rowOf(id)).lastSyncErrorCode).toBe('IMAP_TIMEOUT');
  });

  test('does not send the stored password to another host', async () => {
    const { id } = await accounts.create(tenantId, unverified());
    const imap = { host: 'localhost', port: dovecot.port, security: 'NONE' as const };
    await expect(accounts.update(tenantId, id, { imap })).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    await accounts.update(tenantId, id, { imap, credentials: { password: dovecot.password } });
    expect(await rowOf(id)).toMatchObject({ imapHost: 'localhost', imapUsername: 'ann@example.com' });
  });
});

describe('delete', () => {
  test('deletes the account and everything stored for it', async () => {
    const { id } = await accounts.create(tenantId, unverified());
    const thread = await database.prisma.thread.create({ data: { id: newId(), accountId: id } });
    const nothing = new Uint8Array();
    const data = { id: newId(), accountId: id, texts: nothing, sources: nothing };
    const pack = await database.prisma.pack.create({ data });
    await database.pool.query(
      `INSERT INTO message (id, account_id, thread_id, sha256, "from", "to", cc, bcc, reply_to, received_at, snippet,
         pack_id, text_at, text_size, source_at, size, has_attachments, search)
       VALUES ($1, $2, $3, '\\x00', '[]', '[]', '[]', '[]', '[]', now(), '', $4, 0, 0, 0, 0, false, '')`,
      [newId(), id, thread.id, pack.id],
    );
    await accounts.delete(tenantId, id);
    expect(stopped).toContain(id);
    expect(await database.prisma.emailAccount.count({ where: { tenantId } })).toBe(0);
    expect(await database.prisma.message.count({ where: { accountId: id } })).toBe(0);
    expect(await database.prisma.pack.count({ where: { accountId: id } })).toBe(0);
  });
});

test('accounts of another tenant are NOT_FOUND', async () => {
  const { id } = await accounts.create(tenantId, unverified());
  for (const theirs of [id, newId(), 'nonsense', '']) {
    const tenant = theirs === id ? otherTenantId : tenantId;
    await expect(accounts.update(tenant, theirs, { isActive: false })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(accounts.delete(tenant, theirs)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  }
  expect(await rowOf(id)).toMatchObject({ isActive: true });
});

test('a login, credentials of another key or another account, cannot decrypt them', async () => {
  const account = await accounts.create(tenantId, unverified());
  const moved = { ...account, id: newId() };
  await expect(loginOf(moved)).rejects.toMatchObject({ code: 'CREDENTIALS_UNREADABLE' });
});

test('suggest, more searches than may run or wait, rejects', async () => {
  const answered = Promise.withResolvers<never>();
  const busy = createAccounts({
    database,
    keyring,
    policy: { allowPrivateHosts: false, lookup: () => answered.promise },
    logins: createLogins(keyring, { allowPrivateHosts: false }, () => answered.promise),
    intervalMinutes: 15,
    stopSync: async () => {},
    onChange() {},
  });
  // A known provider's domain: no name server is asked.
  const searches = Array.from({ length: 20 }, () => busy.suggest(tenantId, 'ann@gmail.com'));
  await expect(busy.suggest(tenantId, 'ann@gmail.com')).rejects.toMatchObject({ code: 'TOO_MANY_CONNECTION_TESTS' });
  const ofOther = busy.suggest(otherTenantId, 'ann@gmail.com');
  answered.reject(Object.assign(new Error('no answer'), { code: 'EAI_AGAIN' }));
  expect(new Set((await Promise.all([...searches, ofOther])).map((found) => found?.host))).toEqual(
    new Set(['imap.gmail.com']),
  );
});
