import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeId } from '../../src/graphql/ids.ts';
import { type ServedApi, serveApi } from '../server/served-api.ts';
import { type StoredAccount, storeAccount } from '../server/stored-mail.ts';

let api: ServedApi;
let account: StoredAccount;
const EARLIER = new Date('2026-01-01T10:00:00Z');
const LATER = new Date('2026-01-01T11:00:00Z');

beforeAll(async () => {
  api = await serveApi();
  account = await storeAccount(api.database, api.alice.id, 'ann@example.com');
  await api.database.prisma.mailbox.update({
    where: { id: account.inbox },
    data: { messageCount: 40, unreadCount: 3, proof: { create: { provenCurrentAt: LATER } } },
  });
  await api.database.prisma.mailbox.update({ where: { id: account.archive }, data: { messageCount: 2 } });
});

afterAll(() => api?.close());

async function totals() {
  const { data } = await api.ask(
    api.alice,
    `query ($id: ID!) { emailAccount(id: $id) {
      totals { mailboxes messages stored unread provenCurrentAt } mailboxes(first: 1) { edges { node { path } } }
    } }`,
    { id: encodeId('EmailAccount', account.accountId) },
  );
  return data.emailAccount.totals;
}

test('totals, all mailboxes proven, provenCurrentAt is the oldest proof', async () => {
  expect(await totals()).toEqual({ mailboxes: 2, messages: 42, stored: 42, unread: 3, provenCurrentAt: null });
  await api.database.prisma.mailboxProof.create({ data: { mailboxId: account.archive, provenCurrentAt: EARLIER } });
  expect(await totals()).toMatchObject({ provenCurrentAt: EARLIER.toISOString() });
});

test('totals, the list of mailboxes partly unread, provenCurrentAt is null', async () => {
  const listUnread = (value: boolean) =>
    api.database.prisma.emailAccount.update({ where: { id: account.accountId }, data: { listUnread: value } });
  await listUnread(true);
  expect(await totals()).toMatchObject({ provenCurrentAt: null });
  await listUnread(false);
  expect(await totals()).toMatchObject({ provenCurrentAt: EARLIER.toISOString() });
});

test('totals do not count deleted mailboxes', async () => {
  await api.database.prisma.mailbox.update({ where: { id: account.archive }, data: { deletedAt: LATER } });
  expect(await totals()).toEqual({
    mailboxes: 1,
    messages: 40,
    stored: 40,
    unread: 3,
    provenCurrentAt: LATER.toISOString(),
  });
  await api.database.prisma.mailbox.update({ where: { id: account.inbox }, data: { deletedAt: LATER } });
  expect(await totals()).toEqual({ mailboxes: 0, messages: 0, stored: 0, unread: 0, provenCurrentAt: null });
});
