import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../src/domain/ids.ts';
import { encodeId } from '../../src/graphql/ids.ts';
import { errorCodes as codes, type ServedApi, serveApi } from '../server/served-api.ts';
import { type StoredAccount, storeAccount } from '../server/stored-mail.ts';

let api: ServedApi;
let theirs: StoredAccount;
let myId: string;
let theirId: string;

beforeAll(async () => {
  api = await serveApi();
  const mine = await storeAccount(api.database, api.alice.id, 'alice@example.com');
  theirs = await storeAccount(api.database, api.bob.id, 'bob@example.com');
  myId = encodeId('EmailAccount', mine.accountId);
  theirId = encodeId('EmailAccount', theirs.accountId);
});

afterAll(() => api?.close());

describe('accounts', () => {
  test('can be created, read, changed and deleted', async () => {
    const created = await api.ask(
      api.alice,
      `mutation($input: CreateEmailAccountInput!) { createEmailAccount(input: $input) {
        __typename id emailAddress isActive imap { host port security username } syncStatus { isSyncing syncCount }
      } }`,
      {
        input: {
          emailAddress: 'new@example.com',
          imap: { host: '127.0.0.1', port: 1143, security: 'NONE' },
          credentials: { password: 'secret' },
          verify: false,
        },
      },
    );
    expect(created).toEqual({
      data: {
        createEmailAccount: {
          __typename: 'EmailAccount',
          id: expect.any(String),
          emailAddress: 'new@example.com',
          isActive: true,
          imap: { host: '127.0.0.1', port: 1143, security: 'NONE', username: 'new@example.com' },
          syncStatus: { isSyncing: false, syncCount: 0 },
        },
      },
    });
    const { id } = created.data.createEmailAccount;
    const changed = await api.ask(
      api.alice,
      `mutation($id: ID!) { updateEmailAccount(id: $id, input: { isActive: false, displayName: "New" }) { isActive displayName } }`,
      { id },
    );
    expect(changed.data.updateEmailAccount).toEqual({ isActive: false, displayName: 'New' });
    const paused = await api.ask(api.alice, `mutation($id: ID!) { startEmailSync(accountId: $id) { status } }`, { id });
    expect(codes(paused)).toEqual(['ACCOUNT_PAUSED']);
    const deleted = await api.ask(api.alice, `mutation($id: ID!) { deleteEmailAccount(id: $id) }`, { id });
    expect(deleted).toEqual({ data: { deleteEmailAccount: id } });
    expect(await api.ask(api.alice, `query($id: ID!) { emailAccount(id: $id) { id } }`, { id })).toEqual({
      data: { emailAccount: null },
    });
  });

  test('changing an account that is deleted meanwhile is NOT_FOUND', async () => {
    const own = await serveApi(({ accounts }) => ({
      accounts: {
        ...accounts,
        async update(tenantId, id, input) {
          const updated = await accounts.update(tenantId, id, input);
          await accounts.delete(tenantId, id);
          return updated;
        },
      },
    }));
    const { accountId } = await storeAccount(own.database, own.alice.id, 'short-lived@example.com');
    const changed = await own.ask(
      own.alice,
      `mutation($id: ID!) { updateEmailAccount(id: $id, input: { displayName: "New" }) { id } }`,
      { id: encodeId('EmailAccount', accountId) },
    );
    expect(codes(changed)).toEqual(['NOT_FOUND']);
    await own.close();
  });

  test('connecting an address twice, the error names the existing account', async () => {
    const create = `mutation { createEmailAccount(input: { emailAddress: "twice@example.com", verify: false,
      imap: { host: "imap.example.com", port: 993, security: TLS }, credentials: { password: "a" } }) { id } }`;
    const { data } = await api.ask(api.bob, create);
    const { errors } = await api.ask(api.bob, create);
    const accountId = data.createEmailAccount.id;
    await api.ask(api.bob, 'mutation($accountId: ID!) { deleteEmailAccount(id: $accountId) }', { accountId });
    expect(errors).toMatchObject([{ extensions: { code: 'ACCOUNT_EXISTS', accountId } }]);
  });

  test('require exactly one kind of credentials', async () => {
    const answer = await api.ask(
      api.alice,
      `mutation { testEmailConnection(input: { emailAddress: "a@b.example", imap: { host: "x.example", port: 1, security: TLS },
        credentials: { password: "a", oauth2: { accessToken: "b" } } }) { ok } }`,
    );
    expect(codes(answer)).toEqual(['BAD_USER_INPUT']);
  });

  test('testEmailConnection, a failing connection, returns its code', async () => {
    const answer = await api.ask(
      api.alice,
      `mutation { testEmailConnection(input: { emailAddress: "a@b.example",
        imap: { host: "127.0.0.1", port: 1, security: NONE }, credentials: { password: "a" } }) { ok code mailboxes } }`,
    );
    expect(answer.data.testEmailConnection).toEqual({ ok: false, code: 'IMAP_UNREACHABLE', mailboxes: [] });
  });

  test("a list holds the tenant's own only, in pages", async () => {
    const query = `query($first: Int, $after: String) { emailAccounts(first: $first, after: $after) {
      edges { cursor node { emailAddress } } pageInfo { hasNextPage } } }`;
    const list = await api.ask(api.bob, query, { first: 1 });
    expect(list.data.emailAccounts).toEqual({
      edges: [{ cursor: expect.any(String), node: { emailAddress: 'bob@example.com' } }],
      pageInfo: { hasNextPage: false },
    });
    for (const after of ['nonsense', Buffer.from('GPC:S:nonsense').toString('base64')]) {
      expect(codes(await api.ask(api.bob, query, { after }))).toEqual(['BAD_USER_INPUT']);
    }
    expect(codes(await api.ask(api.bob, query, { first: -1 }))).toEqual(['BAD_USER_INPUT']);
  });
});

describe('ids that do not exist, of another type, of another tenant', () => {
  const wrong = (type: 'EmailAccount' | 'SyncRun', foreign: string) => [
    'nonsense',
    encodeId(type, newId()),
    encodeId('Thread', newId()),
    foreign,
  ];

  test.each(['emailAccount', 'message', 'syncRun'])('query %s, is null', async (field) => {
    for (const id of wrong('EmailAccount', theirId)) {
      const answer = await api.ask(api.alice, `query($id: ID!) { ${field}(id: $id) { id } }`, { id });
      expect(answer).toEqual({ data: { [field]: null } });
    }
  });

  test.each([
    'query($id: ID!) { syncStatus(accountId: $id) { isSyncing } }',
    'query($id: ID!) { syncRuns(accountId: $id) { edges { cursor } } }',
    'query($id: ID!) { messages(accountId: $id) { edges { cursor } } }',
    'query($id: ID!) { messages(mailboxId: $id) { edges { cursor } } }',
    'query($id: ID!) { messages(threadId: $id) { edges { cursor } } }',
    'query($id: ID!) { events(accountId: $id) { edges { cursor } } }',
    'query($id: ID!) { verifyEventChain(accountId: $id) { ok } }',
    'mutation($id: ID!) { startEmailSync(accountId: $id) { status } }',
    'mutation($id: ID!) { cancelEmailSync(runId: $id) { status } }',
    'mutation($id: ID!) { deleteEmailAccount(id: $id) }',
    'mutation($id: ID!) { updateEmailAccount(id: $id, input: { isActive: false }) { id } }',
  ])('NOT_FOUND: %s', async (query) => {
    for (const id of wrong('SyncRun', theirId)) {
      const answer = await api.ask(api.alice, query, { id });
      expect(codes(answer)).toEqual(['NOT_FOUND']);
    }
    expect(await api.database.prisma.emailAccount.count({ where: { id: theirs.accountId, isActive: true } })).toBe(1);
  });

  test('are not logged as faults', () => {
    expect(api.log.filter((line) => line.includes('request failed'))).toEqual([]);
  });
});

describe('syncs', () => {
  test('startEmailSync starts at once, and again returns the active run', async () => {
    const start = `mutation($id: ID!) { startEmailSync(accountId: $id) {
      __typename status alreadyActive message run { id status mode trigger attempt percent stats { bytesDownloaded durationMs } account { emailAddress } }
    } }`;
    const first = await api.ask(api.alice, start, { id: myId });
    expect(first.data.startEmailSync).toEqual({
      __typename: 'StartEmailSyncPayload',
      status: 'QUEUED',
      alreadyActive: false,
      message: 'The sync is queued. Subscribe to syncProgress to watch it.',
      run: {
        id: expect.any(String),
        status: 'QUEUED',
        mode: 'INCREMENTAL',
        trigger: 'USER',
        attempt: 1,
        percent: null,
        stats: { bytesDownloaded: '0', durationMs: 0 },
        account: { emailAddress: 'alice@example.com' },
      },
    });
    const second = await api.ask(api.alice, start, { id: myId });
    expect(second.data.startEmailSync).toMatchObject({ alreadyActive: true, run: first.data.startEmailSync.run });

    const status = `query($id: ID!) { syncStatus(accountId: $id) {
      emailAddress isActive isSyncing lastSyncAt lastSyncStatus lastSyncError { code } syncCount
      activeRun { id status } account { id } } }`;
    const runId = first.data.startEmailSync.run.id;
    const during = await api.ask(api.alice, status, { id: myId });
    expect(during.data.syncStatus).toEqual({
      emailAddress: 'alice@example.com',
      isActive: true,
      isSyncing: true,
      lastSyncAt: null,
      lastSyncStatus: null,
      lastSyncError: null,
      syncCount: 0,
      activeRun: { id: runId, status: 'QUEUED' },
      account: { id: myId },
    });
    const foreign = await api.ask(api.bob, `mutation($id: ID!) { cancelEmailSync(runId: $id) { status } }`, {
      id: runId,
    });
    expect(codes(foreign)).toEqual(['NOT_FOUND']);
    const cancelled = await api.ask(
      api.alice,
      `mutation($id: ID!) { cancelEmailSync(runId: $id) { id status phase finishedAt } }`,
      { id: runId },
    );
    expect(cancelled.data.cancelEmailSync).toMatchObject({ id: runId, status: 'CANCELLED' });
    const after = await api.ask(api.alice, status, { id: myId });
    expect(after.data.syncStatus).toMatchObject({ isSyncing: false, activeRun: null, lastSyncStatus: 'CANCELLED' });
  });

  test('startAllEmailSyncs starts all; runs are listed by account and status', async () => {
    const started = await api.ask(api.bob, `mutation { startAllEmailSyncs { status run { account { id } } } }`);
    expect(started.data.startAllEmailSyncs).toEqual([{ status: 'QUEUED', run: { account: { id: theirId } } }]);
    const runs = await api.ask(
      api.bob,
      `query($id: ID!) { queued: syncRuns(accountId: $id, status: QUEUED) { edges { node { status } } }
        failed: syncRuns(status: FAILED) { edges { node { status } } } }`,
      { id: theirId },
    );
    expect(runs.data).toEqual({ queued: { edges: [{ node: { status: 'QUEUED' } }] }, failed: { edges: [] } });
  });
});
