import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeId } from '../../src/graphql/ids.ts';
import { missingCounts } from '../../src/store/mail/missing-counts.ts';
import { type ServedApi, serveApi } from '../server/served-api.ts';
import { type StoredAccount, storeAccount } from '../server/stored-mail.ts';

let api: ServedApi;
let account: StoredAccount;

beforeAll(async () => {
  api = await serveApi();
  account = await storeAccount(api.database, api.alice.id, 'ann@example.com');
  await api.database.prisma.mailbox.update({
    where: { id: account.inbox },
    data: { generation: 1, messageCount: 10, enumeratedUpTo: 10n },
  });
  await place({ generation: 1, uids: [1, 2, 3, 4], state: 'STORED' });
  await place({ generation: 1, uids: [5, 6, 7], state: 'PENDING' });
  await place({ generation: 1, uids: [8, 9, 10], state: 'QUARANTINED' });
});

afterAll(() => api?.close());

interface Places {
  readonly generation: number;
  readonly uids: readonly number[];
  readonly state: 'PENDING' | 'STORED' | 'QUARANTINED';
  readonly deletedAt?: Date;
}

const place = ({ uids, ...row }: Places) =>
  api.database.prisma.messageLocation.createMany({
    data: uids.map((uid) => ({
      mailboxId: account.inbox,
      accountId: account.accountId,
      uid: BigInt(uid),
      flags: [],
      size: 1,
      ...row,
    })),
  });

async function counts(): Promise<unknown> {
  const { data } = await api.ask(
    api.alice,
    `query ($id: ID!) { emailAccount(id: $id) {
      totals { messages stored } mailboxes(first: 10) { edges { node { path messageCount storedCount } } }
    } }`,
    { id: encodeId('EmailAccount', account.accountId) },
  );
  const { totals, mailboxes } = data.emailAccount;
  return { totals, mailboxes: mailboxes.edges.map(({ node }: { node: unknown }) => node) };
}

const ARCHIVE = { path: 'Archive', messageCount: 0, storedCount: 0 };
const FOUR_OF_TEN = {
  totals: { messages: 10, stored: 4 },
  mailboxes: [ARCHIVE, { path: 'INBOX', messageCount: 10, storedCount: 4 }],
};

test('totals, pending and quarantined messages, count as messages but not as stored', async () => {
  expect(await counts()).toEqual(FOUR_OF_TEN);
});

test('a message that a pass has listed counts once its mailbox counts it', async () => {
  await place({ generation: 1, uids: [11, 12], state: 'PENDING' });
  expect(await counts()).toEqual(FOUR_OF_TEN);
  await api.database.prisma.mailbox.update({
    where: { id: account.inbox },
    data: { messageCount: 12, enumeratedUpTo: 12n },
  });
  expect(await counts()).toMatchObject({ totals: { messages: 12, stored: 4 } });
});

test('deleted messages and those of an earlier UIDVALIDITY are not missing', async () => {
  await place({ generation: 0, uids: [1, 2], state: 'QUARANTINED' });
  await api.database.prisma.messageLocation.updateMany({
    where: { uid: { in: [5n, 8n, 11n, 12n] }, generation: 1 },
    data: { deletedAt: new Date() },
  });
  await api.database.prisma.mailbox.update({ where: { id: account.inbox }, data: { messageCount: 8 } });
  expect(await counts()).toMatchObject({ totals: { messages: 8, stored: 4 } });
});

test('the stored counts of all mailboxes take the same number of statements', async () => {
  const ask = () =>
    api.ask(
      api.alice,
      `{ emailAccounts { edges { node { totals { stored } mailboxes { edges { node { storedCount } } } } } } }`,
    );
  const before = await api.statements(ask);
  await storeAccount(api.database, api.alice.id, 'another@example.com');
  expect(await api.statements(ask)).toBe(before);
});

test('missingCounts ignores mailboxes of another tenant', async () => {
  expect(await missingCounts(api.database.pool, api.bob.id, [account.inbox])).toEqual(new Map());
});
