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

test('the account feed finds changes in the rows that no message announced', async () => {
  const bus = createLocalBus<AccountChange>();
  const feed = createAccountFeed(database.pool, bus);
  const { tenantId, accountId } = await insertTestAccount(database);
  const received: string[] = [];
  const watching = (async () => {
    for await (const change of feed.ofTenant(tenantId, ended.signal)) received.push(change.accountId);
  })();

  /** A change at another node whose message was lost: polls until it is seen. */
  const seen = (id: string, what: string) =>
    waitFor(
      () => {
        bus.missed();
        return received.splice(0).includes(id);
      },
      { what },
    );
  // The feed must know the previous state.
  bus.publish({ tenantId, accountId });
  await seen(accountId, 'the announced change');
  const { emailAccount } = database.prisma;
  await waitFor(
    async () => {
      // The first poll may come before the change, which the test cannot see, so it repeats the change.
      await emailAccount.update({ where: { id: accountId }, data: { isActive: false } });
      bus.missed();
      return received.splice(0).includes(accountId);
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
  await waitFor(() => received.length > 0, { what: 'the own change' });
  expect(received).not.toContain(foreign.accountId);
  ended.abort();
  await watching;
});
