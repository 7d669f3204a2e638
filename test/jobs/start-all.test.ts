import { afterAll, beforeAll, expect, test } from 'vitest';
import { insertTestAccounts } from '../../lab/assertions/stored-account.ts';
import { postgres } from '../../lab/servers/shared-servers.ts';
import { newId } from '../../src/domain/ids.ts';
import { createSyncs } from '../../src/jobs/create-syncs.ts';
import { RUN_ELSEWHERE } from '../../src/jobs/queue/sync-queue.ts';
import { createLocalProgressBus } from '../../src/live/progress-bus.ts';
import { type Database, openDatabase } from '../../src/store/plumbing/database.ts';

let database: Database;

beforeAll(async () => {
  database = await openDatabase({ url: await postgres.createDatabase(), dataDir: '' });
});

afterAll(() => database?.close());

/** The database, in which `meanwhile` happens between reading a tenant's accounts and starting their syncs. */
function changedAfterTheLook(meanwhile: () => Promise<unknown>): Database {
  const accounts = new Proxy(database.prisma.emailAccount, {
    get: (target, name) =>
      name === 'findMany'
        ? async (what: object) => {
            const found = await target.findMany(what);
            await meanwhile();
            return found;
          }
        : Reflect.get(target, name),
  });
  const prisma = new Proxy(database.prisma, {
    get: (target, name) => (name === 'emailAccount' ? accounts : Reflect.get(target, name)),
  });
  return { ...database, prisma };
}

test('startAll, an account paused, refused or deleted meanwhile, starts the others', async () => {
  const tenantId = newId();
  const ids = await insertTestAccounts(database, tenantId, { count: 5 });
  const [paused, refused, deleted, ...others] = ids as [string, string, string, ...string[]];
  const { emailAccount } = database.prisma;
  const syncs = createSyncs({
    database: changedAfterTheLook(async () => {
      await emailAccount.update({ where: { id: paused }, data: { isActive: false } });
      await emailAccount.update({ where: { id: refused }, data: { needsAuthSince: new Date() } });
      await emailAccount.delete({ where: { id: deleted } });
    }),
    bus: createLocalProgressBus(),
    queue: RUN_ELSEWHERE,
  });
  const started = await syncs.startAll(tenantId);
  expect(started.map(({ run }) => run.accountId).toSorted()).toEqual(others.toSorted());
});
