import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '../../src/domain/ids.ts';
import { encodeId } from '../../src/graphql/ids.ts';
import { inTransaction } from '../../src/store/plumbing/sql.ts';
import { appendEvents } from '../../src/store/timeline/append-events.ts';
import type { EventInput } from '../../src/timeline/schemas.ts';
import { type ServedApi, serveApi } from './served-api.ts';
import { newAccount, type StoredAccount, storeEvents } from './stored-mail.ts';

let api: ServedApi;
let account: StoredAccount;
let id: string;

beforeAll(async () => {
  api = await serveApi();
});

afterAll(() => api?.close());

beforeEach(async () => {
  ({ account, id } = await newAccount(api));
});

const append = (events: EventInput[], at = new Date()) =>
  inTransaction(api.database.pool, (tx) => appendEvents(tx, account.accountId, events, at));

describe('the events query', () => {
  const [ann, bob] = [newId(), newId()];
  const place = (mailboxId: string, uid: number) => ({ mailboxId, mailbox: 'x', uidValidity: '1', uid });
  const at = (minute: number) => new Date(Date.UTC(2026, 0, 2, 12, minute));

  beforeEach(async () => {
    const { inbox, archive } = account;
    await append([{ type: 'email_copied', payload: { messageId: ann, ...place(inbox, 1) } }], at(1));
    await append([{ type: 'email_copied', payload: { messageId: bob, ...place(archive, 1) } }], at(2));
    const move = { messageId: ann, from: place(inbox, 1), to: place(archive, 2) };
    await append([{ type: 'email_moved', payload: move }], at(3));
    await append([{ type: 'email_deleted', payload: { messageId: bob, ...place(archive, 1) } }], at(4));
  });

  async function numbers(conditions: string): Promise<string> {
    const answer = await api.ask(
      api.alice,
      `query ($id: ID!) { events(accountId: $id, ${conditions}) { edges { node { seq } } } }`,
      { id },
    );
    if (answer.errors) return answer.errors[0]!.extensions.code;
    return answer.data.events.edges.map((edge: { node: { seq: string } }) => edge.node.seq).join(' ');
  }

  test('filters by type, mailbox, message and time, and by all of them together', async () => {
    const [inbox, archive] = [account.inbox, account.archive].map((one) => encodeId('Mailbox', one));
    expect(await numbers('first: 10')).toBe('1 2 3 4');
    expect(await numbers('order: NEWEST_FIRST')).toBe('4 3 2 1');
    expect(await numbers('order: NEWEST_FIRST, first: 2')).toBe('4 3');
    expect(await numbers('type: email_copied')).toBe('1 2');
    expect(await numbers(`messageId: "${encodeId('Message', ann)}"`)).toBe('1 3');
    expect(await numbers(`mailboxId: "${inbox}"`)).toBe('1 3');
    expect(await numbers(`mailboxId: "${archive}"`)).toBe('2 3 4');
    expect(await numbers('from: "2026-01-02T12:02:00Z", until: "2026-01-02T12:04:00Z"')).toBe('2 3');
    expect(
      await numbers(`mailboxId: "${archive}", messageId: "${encodeId('Message', bob)}", order: NEWEST_FIRST`),
    ).toBe('4 2');
    expect(await numbers(`mailboxId: "${archive}", type: email_moved, from: "2026-01-02T12:03:00.001Z"`)).toBe('');
  });

  test('continues from a cursor in both directions', async () => {
    const page = `query ($id: ID!, $order: EventOrder!, $after: String) {
      events(accountId: $id, order: $order, first: 3, after: $after) {
        edges { node { seq } } pageInfo { hasNextPage endCursor } } }`;
    for (const [order, rest] of [
      ['OLDEST_FIRST', '4'],
      ['NEWEST_FIRST', '1'],
    ]) {
      const first = await api.ask(api.alice, page, { id, order });
      expect(first.data.events.pageInfo.hasNextPage).toBe(true);
      const second = await api.ask(api.alice, page, { id, order, after: first.data.events.pageInfo.endCursor });
      expect(second.data.events).toMatchObject({ edges: [{ node: { seq: rest } }], pageInfo: { hasNextPage: false } });
    }
  });

  test('rejects invalid ids, and returns nothing of other tenants', async () => {
    expect(await numbers('messageId: "nonsense"')).toBe('NOT_FOUND');
    expect(await numbers(`mailboxId: "${encodeId('Message', ann)}"`)).toBe('NOT_FOUND');
    expect(await numbers('from: "yesterday"')).toBe('BAD_USER_INPUT');
    const theirs = await api.ask(api.bob, 'query ($id: ID!) { events(accountId: $id) { edges { node { seq } } } }', {
      id,
    });
    expect(theirs.errors?.[0]?.extensions.code).toBe('NOT_FOUND');
  });
});

describe('a timeline', () => {
  test('is listed in order, filtered by type, and verified', async () => {
    await storeEvents(api.database, account.accountId, 5);
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

  test('eventSchemas lists every version of every type', async () => {
    const { data } = await api.ask(api.alice, '{ eventSchemas { type version jsonSchema } }');
    expect(data.eventSchemas).toContainEqual({
      type: 'mailbox_created',
      version: 1,
      jsonSchema: expect.objectContaining({ type: 'object', required: ['mailboxId', 'path'] }),
    });
  });
});
