import { afterAll, beforeAll, expect, test } from 'vitest';
import { insertTestAccount } from '../../lab/assertions/stored-account.ts';
import { postgres } from '../../lab/servers/shared-servers.ts';
import { waitFor } from '../../lab/wait.ts';
import { createAccountFeed } from '../../src/live/create-account-feed.ts';
import type { AccountChange } from '../../src/live/progress-bus.ts';
import { createLocalBus } from '../../src/live/progress-bus.ts';
import { type Database, openDatabase } from '../../src/store/plumbing/database.ts';

const ended = new AbortController();
let database: Database;

beforeAll(async () => {
  database = await openDatabase({ url: await postgres.createDatabase(), dataDir: '' });
});

afterAll(async () => {
  ended.abort();
  await database?.close();
});

test('what the bus has not told of is found in the rows: changed, added, deleted', async () => {
  const bus = createLocalBus<AccountChange>();
  const feed = createAccountFeed(database.pool, bus);
  const { tenantId, accountId } = await insertTestAccount(database);
  const told: string[] = [];
  const watching = (async () => {
    for await (const change of feed.ofTenant(tenantId, ended.signal)) told.push(change.accountId);
  })();

  /** As another node would, which nobody hears; looked for until it is seen. */
  const seen = (id: string, what: string) =>
    waitFor(
      () => {
        bus.missed();
        return told.splice(0).includes(id);
      },
      { what },
    );
  // Somebody has to know how it was before.
  bus.publish({ tenantId, accountId });
  await seen(accountId, 'what the bus tells');
  const { emailAccount } = database.prisma;
  await waitFor(
    async () => {
      // Whether the first look came before the change cannot be seen from outside, so it changes until that is so.
      await emailAccount.update({ where: { id: accountId }, data: { isActive: false } });
      bus.missed();
      return told.splice(0).includes(accountId);
    },
    { what: 'a change' },
  );
  const present = await emailAccount.findUniqueOrThrow({ where: { id: accountId } });
  const id = '019b0000-0000-7000-8000-000000000001';
  await emailAccount.create({ data: { ...present, id, emailAddress: 'added@example.com' } });
  await seen(id, 'an account that was added');
  await emailAccount.delete({ where: { id } });
  await seen(id, 'an account that was deleted');

  const foreign = await insertTestAccount(database);
  bus.publish({ tenantId: foreign.tenantId, accountId: foreign.accountId });
  bus.publish({ tenantId, accountId });
  await waitFor(() => told.length > 0, { what: 'our own' });
  expect(told).not.toContain(foreign.accountId);
  ended.abort();
  await watching;
});
