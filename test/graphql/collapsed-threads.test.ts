import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeId } from '../../src/graphql/ids.ts';
import { type ServedApi, serveApi } from '../server/served-api.ts';
import { type MailToStore, type StoredAccount, storeAccount, storeMessage } from '../server/stored-mail.ts';

describe('messages(collapseThreads), a thread', () => {
  let api: ServedApi;
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
    api = await serveApi();
    shared = await storeAccount(api.database, api.alice.id, 'threads@example.com');
    const account = shared;
    const [inbox, archive] = [[account.inbox], [account.archive]];
    const stored = (mail: Omit<MailToStore, 'account'>) => storeMessage(api.database, { account, ...mail });
    const { threadId } = await stored({ subject: 'Plan', receivedAt: at(1), mailboxes: inbox, flags: [] });
    const reply = { threadId, from: 'ben@example.com' };
    await stored({ ...reply, subject: 'Re: Plan', receivedAt: at(5), mailboxes: archive, flags: ['\\Flagged'] });
    await stored({ threadId, subject: 'Re: Re: Plan, deleted', receivedAt: at(9), deleted: true, flags: [] });
    await stored({ subject: 'Alone', receivedAt: at(3) });
    // At the same moment as another message of its thread.
    const twins = await stored({ subject: 'Twin', receivedAt: at(2) });
    await stored({ subject: 'Twin', receivedAt: at(2), threadId: twins.threadId });
  });

  afterAll(() => api?.close());

  test('is listed at its newest message that is not deleted, across pages', async () => {
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

  test('shows its newest message that meets the other conditions', async () => {
    expect(await listed({ mailboxId: encodeId('Mailbox', shared.inbox) })).toEqual(['Alone', 'Twin', 'Plan']);
    expect(await listed({ mailboxId: encodeId('Mailbox', shared.inbox), unread: true })).toEqual(['Plan']);
    expect(await listed({ unread: true })).toEqual(['Re: Plan']);
    expect(await listed({ unread: false })).toEqual(['Alone', 'Twin']);
    expect(await listed({ search: 'plan' })).toEqual(['Re: Plan']);
  });

  test('describes all of its messages except deleted ones', async () => {
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
