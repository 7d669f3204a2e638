import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeId } from '../../src/graphql/ids.ts';
import { errorCodes as codes, type ServedApi, serveApi } from '../server/served-api.ts';
import { type StoredAccount, storeAccount, storeMessage } from '../server/stored-mail.ts';

let api: ServedApi;
let account: StoredAccount;
let id: string;

beforeAll(async () => {
  api = await serveApi();
  const theirs = await storeAccount(api.database, api.bob.id, 'bob@example.com');
  account = await storeAccount(api.database, api.alice.id, 'mail@example.com');
  id = encodeId('EmailAccount', account.accountId);
  const at = new Date('2026-01-01T10:00:00.123Z');
  for (let i = 0; i < 7; i++) {
    // Several at the same moment: the order must not depend on time alone.
    await storeMessage(api.database, { account, subject: `Tide ${i}`, text: 'moon and water', receivedAt: at });
  }
  const mailboxes = [account.inbox, account.archive];
  await storeMessage(api.database, { account, subject: 'Harbour', text: 'ships at the quay', mailboxes });
  await storeMessage(api.database, { account, subject: 'Gone', text: 'ships deleted', deleted: true });
  await storeMessage(api.database, { account: theirs, subject: 'Foreign', text: 'ships of bob' });
});

afterAll(() => api?.close());

const list = `query($accountId: ID, $mailboxId: ID, $threadId: ID, $search: String, $unread: Boolean, $flagged: Boolean, $first: Int, $after: String) {
  messages(accountId: $accountId, mailboxId: $mailboxId, threadId: $threadId, search: $search, unread: $unread, flagged: $flagged, first: $first, after: $after) {
    edges { cursor node { id subject } } pageInfo { hasNextPage hasPreviousPage endCursor } } }`;
const subjects = async (variables: object): Promise<string[]> => {
  const { data } = await api.ask(api.alice, list, variables);
  return data.messages.edges.map((edge: { node: { subject: string } }) => edge.node.subject);
};

test('messages are listed newest first, each once across pages', async () => {
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

test('messages are found by subject and body words, except deleted and foreign ones', async () => {
  expect(await subjects({ search: 'ships' })).toEqual(['Harbour']);
  expect(await subjects({ search: 'moon WATER', accountId: id })).toHaveLength(7);
  expect(await subjects({ search: '"tide 3"' })).toEqual(['Tide 3']);
  expect(await subjects({ search: 'ships or "tide 3"' })).toEqual(['Harbour', 'Tide 3']);
  expect(await subjects({ search: 'ships -quay' })).toEqual([]);
  expect(await subjects({ search: '  ', accountId: id })).toHaveLength(8);
  for (const search of ["';--", '& | ! ( <->', '"', '\\']) expect(await subjects({ search })).toEqual([]);
});

test('messages are found by an incomplete last word, with the matches highlighted', async () => {
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

test('messages are filtered by read and flagged, within the requested mailbox', async () => {
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

test('messages are filtered by mailbox and thread', async () => {
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

test('messages, an invalid cursor or negative page size, is rejected', async () => {
  expect(codes(await api.ask(api.alice, list, { after: 'nonsense' }))).toEqual(['BAD_USER_INPUT']);
  expect(codes(await api.ask(api.alice, list, { first: -1 }))).toEqual(['BAD_USER_INPUT']);
  expect(codes(await api.ask(api.alice, list, { search: 'a '.repeat(501) }))).toEqual(['BAD_USER_INPUT']);
});

test('messages take the same number of statements, however many are listed', async () => {
  const query = `query($id: ID!, $first: Int) { messages(accountId: $id, first: $first) { edges { node {
    subject text from { name address } sourceSha256 account { emailAddress } thread { id messageCount lastMessageAt }
    attachments { filename contentType url } locations { uid flags mailbox { path uidNext } }
  } } } }`;
  const ask = (first: number) => api.ask(api.alice, query, { id, first });
  await ask(1);
  expect(await api.statements(() => ask(9))).toBe(await api.statements(() => ask(2)));
  expect(await api.statements(() => ask(9))).toBe(6);
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

test('messages are listed in the mailboxes of their account, by UID', async () => {
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
