import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../src/domain/ids.ts';
import { encodeId } from '../../src/graphql/ids.ts';
import { type ServedApi, serveApi } from '../server/served-api.ts';
import {
  type MailToStore,
  type StoredAccount,
  storeAccount,
  storeEvents,
  storeMessage,
} from '../server/stored-mail.ts';

let api: ServedApi;
let mine: StoredAccount;
let theirs: StoredAccount;
let myId: string;
let theirId: string;

beforeAll(async () => {
  api = await serveApi();
  mine = await storeAccount(api.database, api.alice.id, 'alice@example.com');
  theirs = await storeAccount(api.database, api.bob.id, 'bob@example.com');
  myId = encodeId('EmailAccount', mine.accountId);
  theirId = encodeId('EmailAccount', theirs.accountId);
});

afterAll(() => api?.close());

const codes = ({ errors }: { errors?: { extensions: { code: string } }[] }) =>
  errors?.map((one) => one.extensions.code);

describe('accounts', () => {
  test('are created, read, changed and deleted', async () => {
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

  test('need exactly one kind of credentials', async () => {
    const answer = await api.ask(
      api.alice,
      `mutation { testEmailConnection(input: { emailAddress: "a@b.example", imap: { host: "x.example", port: 1, security: TLS },
        credentials: { password: "a", oauth2: { accessToken: "b" } } }) { ok } }`,
    );
    expect(codes(answer)).toEqual(['BAD_USER_INPUT']);
  });

  test('a connection that fails is an answer with its code', async () => {
    const answer = await api.ask(
      api.alice,
      `mutation { testEmailConnection(input: { emailAddress: "a@b.example",
        imap: { host: "127.0.0.1", port: 1, security: NONE }, credentials: { password: "a" } }) { ok code mailboxes } }`,
    );
    expect(answer.data.testEmailConnection).toEqual({ ok: false, code: 'IMAP_UNREACHABLE', mailboxes: [] });
  });

  test("list a tenant's own only, in pages", async () => {
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

describe('ids of nothing, of another type, of another tenant', () => {
  const wrong = (type: 'EmailAccount' | 'SyncRun', foreign: string) => [
    'nonsense',
    encodeId(type, newId()),
    encodeId('Thread', newId()),
    foreign,
  ];

  test.each(['emailAccount', 'message', 'syncRun'])('%s is null', async (field) => {
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

  test('nothing of it is logged as a fault', () => {
    expect(api.log.filter((line) => line.includes('request failed'))).toEqual([]);
  });
});

describe('syncs', () => {
  test('start at once, and the second start returns the active run', async () => {
    const start = `mutation($id: ID!) { startEmailSync(accountId: $id) {
      __typename status alreadyActive message run { id status mode trigger attempt percent stats { bytesDownloaded durationMs } account { emailAddress } }
    } }`;
    const first = await api.ask(api.alice, start, { id: myId });
    expect(first.data.startEmailSync).toEqual({
      __typename: 'StartEmailSyncPayload',
      status: 'QUEUED',
      alreadyActive: false,
      message: 'The sync has been queued. Watch it with the subscription syncProgress.',
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

  test('of all accounts start together; runs are listed by account and status', async () => {
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

describe('messages', () => {
  let account: StoredAccount;
  let id: string;

  beforeAll(async () => {
    account = await storeAccount(api.database, api.alice.id, 'mail@example.com');
    id = encodeId('EmailAccount', account.accountId);
    const at = new Date('2026-01-01T10:00:00.123Z');
    for (let i = 0; i < 7; i++) {
      // Several of one moment: the order must not depend on time alone.
      await storeMessage(api.database, { account, subject: `Tide ${i}`, text: 'moon and water', receivedAt: at });
    }
    const mailboxes = [account.inbox, account.archive];
    await storeMessage(api.database, { account, subject: 'Harbour', text: 'ships at the quay', mailboxes });
    await storeMessage(api.database, { account, subject: 'Gone', text: 'ships deleted', deleted: true });
    await storeMessage(api.database, { account: theirs, subject: 'Foreign', text: 'ships of bob' });
  });

  const list = `query($accountId: ID, $mailboxId: ID, $threadId: ID, $search: String, $unread: Boolean, $flagged: Boolean, $first: Int, $after: String) {
    messages(accountId: $accountId, mailboxId: $mailboxId, threadId: $threadId, search: $search, unread: $unread, flagged: $flagged, first: $first, after: $after) {
      edges { cursor node { id subject } } pageInfo { hasNextPage hasPreviousPage endCursor } } }`;
  const subjects = async (variables: object): Promise<string[]> => {
    const { data } = await api.ask(api.alice, list, variables);
    return data.messages.edges.map((edge: { node: { subject: string } }) => edge.node.subject);
  };

  test('come newest first, page by page, each once', async () => {
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const { data } = await api.ask(api.alice, list, { accountId: id, first: 3, after });
      seen.push(...data.messages.edges.map((edge: { node: { id: string } }) => edge.node.id));
      after = data.messages.pageInfo.hasNextPage ? data.messages.pageInfo.endCursor : null;
    } while (after);
    expect([seen.length, new Set(seen).size]).toEqual([8, 8]);
    expect((await subjects({ accountId: id }))[0]).toBe('Harbour');
  });

  test('are found by words of subject and body, in what is there and ours', async () => {
    expect(await subjects({ search: 'ships' })).toEqual(['Harbour']);
    expect(await subjects({ search: 'moon WATER', accountId: id })).toHaveLength(7);
    expect(await subjects({ search: '"tide 3"' })).toEqual(['Tide 3']);
    expect(await subjects({ search: 'ships or "tide 3"' })).toEqual(['Harbour', 'Tide 3']);
    expect(await subjects({ search: 'ships -quay' })).toEqual([]);
    expect(await subjects({ search: '  ', accountId: id })).toHaveLength(8);
    for (const search of ["';--", '& | ! ( <->', '"', '\\']) expect(await subjects({ search })).toEqual([]);
  });

  test('are found while the last word is typed, with what matched', async () => {
    expect(await subjects({ search: 'ships qu' })).toEqual(['Harbour']);
    expect(await subjects({ search: 'ships qu ' })).toEqual([]);
    const { data } = await api.ask(
      api.alice,
      `query($search: String!) { messages(search: $search) { edges { node { highlights(search: $search) {
        subject { text isMatch } from { text isMatch } excerpt { text isMatch } } } } } }`,
      { search: 'ships har' },
    );
    expect(data.messages.edges).toEqual([
      {
        node: {
          highlights: {
            subject: [{ text: 'Harbour', isMatch: true }],
            from: [{ text: 'Ann', isMatch: false }],
            excerpt: [
              { text: 'ships', isMatch: true },
              { text: ' at the quay', isMatch: false },
            ],
          },
        },
      },
    ]);
  });

  test('are listed by whether they are read and flagged, in the mailbox that is asked about', async () => {
    const other = await storeAccount(api.database, api.alice.id, 'flags@example.com');
    const stored = (subject: string, flags: string[]) => storeMessage(api.database, { account: other, subject, flags });
    await stored('read', ['\\Seen']);
    await stored('unread', []);
    await stored('unread, flagged', ['\\Flagged']);
    await stored('read, flagged', ['\\Seen', '\\Flagged']);
    const listed = async (more: object) =>
      (await subjects({ accountId: encodeId('EmailAccount', other.accountId), ...more })).toSorted();
    expect(await listed({ unread: true })).toEqual(['unread', 'unread, flagged']);
    expect(await listed({ unread: false })).toEqual(['read', 'read, flagged']);
    expect(await listed({ flagged: true })).toEqual(['read, flagged', 'unread, flagged']);
    expect(await listed({ unread: true, flagged: true })).toEqual(['unread, flagged']);
    expect(await listed({ unread: true, mailboxId: encodeId('Mailbox', other.archive) })).toEqual([]);
  });

  test('are listed by mailbox and thread', async () => {
    expect(await subjects({ mailboxId: encodeId('Mailbox', account.archive) })).toEqual(['Harbour']);
    expect(await subjects({ mailboxId: encodeId('Mailbox', account.archive), search: 'moon' })).toEqual([]);
    const { threadId } = await storeMessage(api.database, { account, subject: 'One' });
    await storeMessage(api.database, { account, subject: 'Two', threadId, receivedAt: new Date(Date.now() + 1000) });
    const inThread = { threadId: encodeId('Thread', threadId) };
    expect(await subjects(inThread)).toEqual(['Two', 'One']);
    const two = await api.ask(api.alice, list, inThread);
    const whole = await api.ask(
      api.alice,
      `query($id: ID!) { message(id: $id) { thread { messageCount lastMessageAt messages { edges { node { subject } } } } } }`,
      { id: two.data.messages.edges[0].node.id },
    );
    expect(whole.data.message.thread).toEqual({
      messageCount: 2,
      lastMessageAt: expect.stringMatching(/Z$/),
      messages: { edges: [{ node: { subject: 'One' } }, { node: { subject: 'Two' } }] },
    });
  });

  describe('one of each thread', () => {
    let shared: StoredAccount;
    const at = (day: number) => new Date(Date.UTC(2026, 1, day));
    const collapsed = `query($id: ID, $mailboxId: ID, $search: String, $unread: Boolean, $first: Int, $after: String) {
      messages(accountId: $id, mailboxId: $mailboxId, search: $search, unread: $unread, collapseThreads: true,
        first: $first, after: $after) {
        edges { node { subject thread { messageCount unreadCount inMailbox: unreadCount(mailboxId: $mailboxId)
          flaggedCount participants { address } } } }
        pageInfo { hasNextPage endCursor } } }`;
    const of = (more: object = {}) =>
      api.ask(api.alice, collapsed, { id: encodeId('EmailAccount', shared.accountId), ...more });
    const listed = async (more: object = {}): Promise<string[]> =>
      (await of(more)).data.messages.edges.map((edge: { node: { subject: string } }) => edge.node.subject);

    beforeAll(async () => {
      shared = await storeAccount(api.database, api.alice.id, 'threads@example.com');
      const account = shared;
      const [inbox, archive] = [[account.inbox], [account.archive]];
      const stored = (mail: Omit<MailToStore, 'account'>) => storeMessage(api.database, { account, ...mail });
      const { threadId } = await stored({ subject: 'Plan', receivedAt: at(1), mailboxes: inbox, flags: [] });
      const reply = { threadId, from: 'ben@example.com' };
      await stored({ ...reply, subject: 'Re: Plan', receivedAt: at(5), mailboxes: archive, flags: ['\\Flagged'] });
      await stored({ threadId, subject: 'Re: Re: Plan, deleted', receivedAt: at(9), deleted: true, flags: [] });
      await stored({ subject: 'Alone', receivedAt: at(3) });
      // Of the same moment as another, and both of one thread.
      const twins = await stored({ subject: 'Twin', receivedAt: at(2) });
      await stored({ subject: 'Twin', receivedAt: at(2), threadId: twins.threadId });
    });

    test('is listed where its newest message is that is not deleted, page by page', async () => {
      expect(await listed()).toEqual(['Re: Plan', 'Alone', 'Twin']);
      const seen: string[] = [];
      let after: string | null = null;
      do {
        const { data } = await of({ first: 1, after });
        seen.push(data.messages.edges[0].node.subject);
        after = data.messages.pageInfo.hasNextPage ? data.messages.pageInfo.endCursor : null;
      } while (after);
      expect(seen).toEqual(['Re: Plan', 'Alone', 'Twin']);
    });

    test('is the newest that the other conditions hold for', async () => {
      expect(await listed({ mailboxId: encodeId('Mailbox', shared.inbox) })).toEqual(['Alone', 'Twin', 'Plan']);
      expect(await listed({ mailboxId: encodeId('Mailbox', shared.inbox), unread: true })).toEqual(['Plan']);
      expect(await listed({ unread: true })).toEqual(['Re: Plan']);
      expect(await listed({ unread: false })).toEqual(['Alone', 'Twin']);
      expect(await listed({ search: 'plan' })).toEqual(['Re: Plan']);
    });

    test('tells of the whole thread, but for what is deleted', async () => {
      const { data } = await of({ mailboxId: encodeId('Mailbox', shared.inbox) });
      expect(data.messages.edges[2].node).toEqual({
        subject: 'Plan',
        thread: {
          messageCount: 2,
          unreadCount: 2,
          inMailbox: 1,
          flaggedCount: 1,
          participants: [{ address: 'ben@example.com' }, { address: 'ann@example.com' }],
        },
      });
      const query = `query($id: ID!) { message(id: $id) {
        thread { messageCount lastMessageAt participants { address } messages { edges { cursor } } } } }`;
      const { messageId } = await storeMessage(api.database, { account: shared, subject: 'Gone', deleted: true });
      const gone = await api.ask(api.alice, query, { id: encodeId('Message', messageId) });
      expect(gone.data.message.thread).toEqual({
        messageCount: 0,
        lastMessageAt: null,
        participants: [],
        messages: { edges: [] },
      });
      expect(await api.statements(() => of({ first: 100 }))).toBe(await api.statements(() => of({ first: 1 })));
    });
  });

  test('refuse a cursor that is none and a negative page', async () => {
    expect(codes(await api.ask(api.alice, list, { after: 'nonsense' }))).toEqual(['BAD_USER_INPUT']);
    expect(codes(await api.ask(api.alice, list, { first: -1 }))).toEqual(['BAD_USER_INPUT']);
    expect(codes(await api.ask(api.alice, list, { search: 'a '.repeat(501) }))).toEqual(['BAD_USER_INPUT']);
  });

  test('show all that was asked for in the same number of statements, however many there are', async () => {
    const query = `query($id: ID!, $first: Int) { messages(accountId: $id, first: $first) { edges { node {
      subject text from { name address } sourceSha256 account { emailAddress } thread { id messageCount lastMessageAt }
      attachments { filename contentType url } locations { uid flags mailbox { path uidNext } }
    } } } }`;
    const ask = (first: number) => api.ask(api.alice, query, { id, first });
    await ask(1);
    expect(await api.statements(() => ask(9))).toBe(await api.statements(() => ask(2)));
    expect(await api.statements(() => ask(9))).toBe(4);
    expect((await ask(9)).data.messages.edges[3].node).toEqual({
      subject: expect.stringContaining('Tide'),
      text: 'moon and water',
      from: [{ name: 'Ann', address: 'ann@example.com' }],
      sourceSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      account: { emailAddress: 'mail@example.com' },
      thread: { id: expect.any(String), messageCount: 1, lastMessageAt: '2026-01-01T10:00:00.123Z' },
      attachments: [
        { filename: '../évil".html', contentType: 'text/html', url: expect.stringMatching(/^\/attachments\//) },
      ],
      locations: [
        { uid: expect.stringMatching(/^\d+$/), flags: ['\\Seen'], mailbox: { path: 'INBOX', uidNext: '5000000000' } },
      ],
    });
  });

  test('are in the mailboxes of their account, by UID', async () => {
    const answer = await api.ask(
      api.alice,
      `query($id: ID!) { emailAccount(id: $id) { mailboxes { edges { node { path specialUse
        locations(first: 2) { edges { cursor node { uid state message { subject } } } pageInfo { hasNextPage endCursor } } } } } } }`,
      { id },
    );
    const [archive, inbox] = answer.data.emailAccount.mailboxes.edges.map((edge: { node: object }) => edge.node);
    expect(archive).toMatchObject({
      path: 'Archive',
      locations: { edges: [{ node: { message: { subject: 'Harbour' } } }] },
    });
    expect(inbox).toMatchObject({
      path: 'INBOX',
      specialUse: '\\Inbox',
      locations: {
        edges: [
          { node: { state: 'STORED', message: { subject: 'Tide 0' } } },
          { node: { message: { subject: 'Tide 1' } } },
        ],
        pageInfo: { hasNextPage: true },
      },
    });
    const next = await api.ask(
      api.alice,
      `query($id: ID!, $after: String) { emailAccount(id: $id) { mailboxes { edges { node { path
        locations(first: 1, after: $after) { edges { node { message { subject } } } } } } } } }`,
      { id, after: inbox.locations.pageInfo.endCursor },
    );
    expect(next.data.emailAccount.mailboxes.edges[1].node.locations.edges[0].node.message.subject).toBe('Tide 2');
  });
});

describe('the timeline', () => {
  test('is read in order, by type, and verified', async () => {
    const account = await storeAccount(api.database, api.alice.id, 'events@example.com');
    await storeEvents(api.database, account.accountId, 5);
    const id = encodeId('EmailAccount', account.accountId);
    const query = `query($id: ID!, $type: EventType, $after: String) {
      events(accountId: $id, type: $type, first: 2, after: $after) {
        edges { node { seq type schemaVersion occurredAt payload prevHash hash } } pageInfo { hasNextPage endCursor } }
      verifyEventChain(accountId: $id) { ok length head brokenAtSeq reason } }`;
    const first = await api.ask(api.alice, query, { id });
    const { edges, pageInfo } = first.data.events;
    expect(edges.map((edge: { node: object }) => edge.node)).toMatchObject([
      { seq: '1', type: 'mailbox_created', schemaVersion: 1, payload: { path: 'Folder 0' } },
      { seq: '2', prevHash: edges[0].node.hash },
    ]);
    expect(first.data.verifyEventChain).toMatchObject({ ok: true, length: '5', brokenAtSeq: null, reason: null });
    const next = await api.ask(api.alice, query, { id, type: 'mailbox_created', after: pageInfo.endCursor });
    expect(next.data.events.edges.map((edge: { node: { seq: string } }) => edge.node.seq)).toEqual(['3', '4']);
    const other = await api.ask(api.alice, query, { id, type: 'email_moved' });
    expect(other.data.events.edges).toEqual([]);

    await api.database.prisma.event.updateMany({
      where: { accountId: account.accountId, seq: 3n },
      data: { payload: { path: 'forged' } },
    });
    const forged = await api.ask(api.alice, query, { id });
    expect(forged.data.verifyEventChain).toMatchObject({ ok: false, length: '2', brokenAtSeq: '3', reason: 'CONTENT' });
  });

  test('documents every version of its schemas', async () => {
    const { data } = await api.ask(api.alice, '{ eventSchemas { type version jsonSchema } }');
    expect(data.eventSchemas).toContainEqual({
      type: 'mailbox_created',
      version: 1,
      jsonSchema: expect.objectContaining({ type: 'object', required: ['mailboxId', 'path'] }),
    });
  });
});

describe('limits', () => {
  const nested = (depth: number): string =>
    depth === 0 ? 'id' : `thread { messages(first: 1) { edges { node { ${nested(depth - 1)} } } } }`;

  test.each([
    ['too deep', `{ messages(first: 1) { edges { node { ${nested(3)} } } } }`],
    [
      'too wide',
      '{ emailAccounts(first: 100) { edges { node { mailboxes(first: 100) { edges { node { locations(first: 100) { edges { cursor } } } } } } } } }',
    ],
    ['too long', `{ ${'viewer { __typename } '.repeat(600)} }`],
  ])('%s: refused before anything is read', async (_what, query) => {
    const statements = await api.statements(async () => {
      expect(codes(await api.ask(api.alice, query))).toEqual(['QUERY_TOO_COMPLEX']);
    });
    expect(statements).toBe(0);
  });

  test('cost is counted with the variables of the operation that runs', async () => {
    const query = `query Small { viewer { __typename } }
      query Large($n: Int) { emailAccounts(first: $n) { edges { node { mailboxes(first: $n) { edges { node { locations(first: $n) { edges { cursor } } } } } } } } }`;
    const run = (operationName: string, n: number) =>
      fetch(`${api.url}/graphql`, {
        method: 'POST',
        headers: { authorization: `Bearer ${api.alice.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ query, operationName, variables: { n } }),
      }).then((response) => response.json());
    expect(codes(await run('Large', 100))).toEqual(['QUERY_TOO_COMPLEX']);
    expect(codes(await run('Large', 2))).toBeUndefined();
    expect(codes(await run('Small', 100))).toBeUndefined();
  });

  test.each([
    ['messages(first: 101)', '"first" is at most 100: ask for more with a cursor.'],
    ['messages(first: -1)', '"first" cannot be negative.'],
    ['syncRuns(first: 1000000)', '"first" is at most 100: ask for more with a cursor.'],
    ['syncRuns(last: 101)', '"last" is at most 100: ask for more with a cursor.'],
    ['syncRuns(last: -1)', '"last" cannot be negative.'],
    ['syncRuns(first: 1, last: 1)', '"first" and "last" cannot be used together.'],
    ['emailAccounts { edges { node { mailboxes(first: 101)', '"first" is at most 100: ask for more with a cursor.'],
  ])('%s: no page of that size', async (list, sentence) => {
    const query = `{ ${list} { edges { cursor } } ${list.includes('node') ? '} } } ' : ''}}`;
    const statements = await api.statements(async () => {
      const { errors } = await api.ask(api.alice, query);
      expect(errors).toMatchObject([{ message: sentence, extensions: { code: 'BAD_USER_INPUT' } }]);
    });
    expect(statements).toBe(0);
  });

  test('a page of 100 is one, also of nothing', async () => {
    for (const page of ['first: 100', 'last: 100', 'first: 0']) {
      expect(codes(await api.ask(api.alice, `{ syncRuns(${page}) { edges { cursor } } }`))).toBeUndefined();
    }
    expect(codes(await api.ask(api.alice, '{ messages(first: 0) { edges { cursor } } }'))).toBeUndefined();
  });

  test('introspection works, as GraphiQL asks for it', async () => {
    const { getIntrospectionQuery } = await import('graphql');
    const { data } = await api.ask(api.alice, getIntrospectionQuery());
    expect(data.__schema.queryType.name).toBe('Query');
  });

  test('a body of more than a mebibyte is refused', async () => {
    const answer = await api.ask(api.alice, `{ viewer { __typename } } #${'x'.repeat(1024 * 1024)}`);
    expect(codes(answer)).toEqual(['QUERY_TOO_COMPLEX']);
  });
});

describe('errors', () => {
  test.each([
    ['a syntax error', '{ viewer'],
    ['an unknown field', '{ nonsense }'],
    ['a missing argument', '{ message { id } }'],
    ['a mutation of nothing', ''],
  ])('%s is BAD_USER_INPUT', async (_what, query) => {
    expect(new Set(codes(await api.ask(api.alice, query)))).toEqual(new Set(['BAD_USER_INPUT']));
  });

  test('what is our fault is logged once, with its cause, and masked', async () => {
    // As if a type had been taken out of the code, which must not happen.
    await storeEvents(api.database, mine.accountId, 1);
    await api.database.prisma.event.updateMany({
      where: { accountId: mine.accountId },
      data: { type: 'unknown_type' },
    });
    const before = api.log.length;
    const query = 'query($id: ID!) { events(accountId: $id) { edges { node { type } } } }';
    const answer = await api.ask(api.alice, query, { id: myId });
    expect(answer.data).toBeFalsy();
    const faults = api.log.slice(before).filter((line) => line.includes('request failed'));
    expect([codes(answer), faults.length]).toEqual([['INTERNAL'], 1]);
  });
});
