import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { insertTestAccounts } from '../../lab/assertions/stored-account.ts';
import { postgres } from '../../lab/servers/shared-servers.ts';
import { newId } from '../../src/domain/ids.ts';
import type { EmailAccount } from '../../src/generated/prisma/client.ts';
import { type Database, openDatabase } from '../../src/store/plumbing/database.ts';
import { type ClaimedRun, claimNextRun, nextRun } from '../../src/store/runs/claim-run.ts';
import { cancelRun, finishRun } from '../../src/store/runs/finish-run.ts';
import { coolHost, hostIsWell } from '../../src/store/runs/host-cooling.ts';
import { queuePosition } from '../../src/store/runs/queue-position.ts';
import { giveBackRun } from '../../src/store/runs/requeue-runs.ts';
import { startRun } from '../../src/store/runs/start-run.ts';

let database: Database;
/** Tenants by the name of their runs. */
let tenants: Map<string, string>;

beforeAll(async () => {
  database = await openDatabase({ url: await postgres.createDatabase(), dataDir: '' });
});

afterAll(() => database?.close());

beforeEach(async () => {
  await database.prisma.tenant.deleteMany();
  await database.prisma.imapHost.deleteMany();
  tenants = new Map();
});

function tenantOf(name: string): string {
  if (!tenants.has(name)) tenants.set(name, newId());
  return tenants.get(name)!;
}

/** Queues runs of that many accounts of a tenant, and returns their ids. */
async function queue(
  name: string,
  count: number,
  {
    trigger = 'SCHEDULE' as 'USER' | 'SCHEDULE',
    ...row
  }: { trigger?: 'USER' | 'SCHEDULE' } & Partial<EmailAccount> = {},
): Promise<string[]> {
  const tenantId = tenantOf(name);
  const accounts = await insertTestAccounts(database, tenantId, { count, imapHost: `${name}.example`, ...row });
  const runs: string[] = [];
  for (const id of accounts) {
    runs.push((await startRun(database.pool, tenantId, id, 'INCREMENTAL', trigger)).run.id);
  }
  return runs;
}

const claim = (at: Date | null = null, lastPlace = false) => claimNextRun(database.pool, at, lastPlace);
const finish = ({ lease }: ClaimedRun) => finishRun(database.pool, lease, { status: 'SUCCEEDED' });

/** The tenants of the next runs, while `places` of them run at a time, all equally long. */
async function turns(count: number, places: number): Promise<string> {
  const names = new Map([...tenants].map(([name, id]) => [id, name]));
  const running: ClaimedRun[] = [];
  let order = '';
  while (order.length < count) {
    if (running.length === places) await finish(running.shift()!);
    const claimed = await claim();
    if (!claimed) break;
    running.push(claimed);
    order += names.get(claimed.lease.tenantId);
  }
  return order;
}

describe('tenants alternate', () => {
  test.each([1, 2, 4])('with %i slots, a single run of b waits for one run of a, not for all', async (places) => {
    await queue('a', 40);
    expect(await turns(places, places)).toBe('a'.repeat(places));
    await queue('b', 1);
    expect(await turns(2, places)).toMatch(/^(b|ab)/);
    expect(await turns(5, places)).not.toContain('b');
  });

  test('three tenants get equal shares, whatever the lengths and order of their queues', async () => {
    await queue('a', 30);
    await queue('b', 8);
    await queue('c', 8);
    const order = await turns(24, 3);
    for (const name of 'abc') expect(order.split(name).length - 1).toBe(8);
    expect(await turns(10, 3)).toBe('aaaaaaaaaa');
  });
});

describe('the last slot of a worker', () => {
  /** Fills a worker with that many slots, all runs being long, and returns their tenants. */
  async function fill(places: number): Promise<string> {
    const names = new Map([...tenants].map(([name, id]) => [id, name]));
    let running = '';
    while (running.length < places) {
      const claimed = await claim(null, running.length === places - 1);
      if (!claimed) break;
      running += names.get(claimed.lease.tenantId);
    }
    return running;
  }

  test('is reserved, so that another tenant does not wait for long imports', async () => {
    const [single] = await queue('b', 1);
    const { lease } = (await claim())!;
    await finishRun(database.pool, lease, { status: 'SUCCEEDED' });
    await queue('a', 40, { trigger: 'USER' });
    expect(await fill(4)).toBe('aaa');
    const { run } = await startRun(database.pool, tenantOf('b'), lease.accountId, 'INCREMENTAL', 'SCHEDULE');
    expect(run.id).not.toBe(single);
    // At once, although no run has ended and requested runs wait.
    expect((await claim(null, true))?.run.id).toBe(run.id);
    expect(await claim(null, true)).toBeNull();
  });

  test('is used by a tenant that is alone or whose others are all paused', async () => {
    await queue('b', 1, { isActive: true });
    await database.prisma.syncRun.deleteMany();
    await queue('a', 40);
    await database.prisma.emailAccount.updateMany({ where: { tenantId: tenantOf('b') }, data: { isActive: false } });
    expect(await fill(4)).toBe('aaaa');
  });
});

test('requested runs come before scheduled ones', async () => {
  await queue('a', 3);
  await queue('b', 3);
  const [asked] = await queue('a', 1, { trigger: 'USER' });
  expect(await queuePosition(database.pool, asked!)).toBe(1);
  expect((await claim())?.run.id).toBe(asked);
});

test('a queue position is the order in which the run really starts', async () => {
  const runs = [...(await queue('a', 6)), ...(await queue('b', 2)), ...(await queue('c', 1, { trigger: 'USER' }))];
  const running = await claim();
  const [cancelled] = await queue('b', 1);
  await cancelRun(database.pool, tenantOf('b'), cancelled!);
  for (let waiting = runs.length - 1; waiting > 0; waiting -= 1) {
    const places = await Promise.all(runs.map(async (id) => [await queuePosition(database.pool, id), id] as const));
    const queued = places.filter(([place]) => place !== null).toSorted(([a], [b]) => a! - b!);
    expect(queued.map(([place]) => place)).toEqual(Array.from({ length: waiting }, (_, i) => i + 1));
    const next = await claim();
    expect(next?.run.id).toBe(queued[0]![1]);
    await finish(next!);
  }
  expect(await queuePosition(database.pool, running!.run.id)).toBeNull();
  expect(await claim()).toBeNull();
});

/** The order of queue-order.ts, computed by sorting everything that waits. */
const SORTED = `
  SELECT id FROM (
    SELECT r.id, r.queued_at, r.trigger, t.served_at, a.tenant_id,
      (SELECT count(*) FROM sync_run o JOIN email_account b ON b.id = o.account_id
        WHERE o.status = 'RUNNING' AND b.tenant_id = a.tenant_id)
      + row_number() OVER (PARTITION BY a.tenant_id, r.trigger ORDER BY r.queued_at, r.id) AS turn
    FROM sync_run r JOIN email_account a ON a.id = r.account_id JOIN tenant t ON t.id = a.tenant_id
    WHERE r.status = 'QUEUED'
  ) waiting ORDER BY trigger = 'SCHEDULE', turn, served_at NULLS FIRST, queued_at, tenant_id, id`;

test.each([1, 2, 3])('positions and the next run equal those of the whole queue, sorted (%i)', async (round) => {
  const random = randomFrom(round);
  for (const name of 'abcdef') {
    await queue(name, random(6));
    await queue(name, random(6), { trigger: 'USER' });
  }
  const { pool } = database;
  // Few distinct times, so that many are equal.
  await pool.query(`SELECT setseed(0.${round})`);
  await pool.query(
    `UPDATE tenant SET served_at = CASE WHEN random() < 0.5 THEN now() - interval '1 hour' * floor(random() * 3) END`,
  );
  await pool.query(
    `UPDATE sync_run SET queued_at = now() - interval '1 minute' * floor(random() * 3),
       status = CASE WHEN random() < 0.3 THEN 'RUNNING'::"SyncRunStatus" ELSE 'QUEUED' END`,
  );
  const { rows } = await pool.query<{ id: string }>(SORTED);
  expect(rows.length).toBeGreaterThan(10);
  expect(await Promise.all(rows.map(({ id }) => queuePosition(pool, id)))).toEqual(rows.map((_, i) => i + 1));
  expect(await nextRun(pool)).toBe(rows[0]!.id);
});

/** The same numbers below `end` each time, from a linear congruential generator. */
function randomFrom(seed: number): (end: number) => number {
  let state = seed;
  return (end) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * end);
  };
}

test('a preempted run is queued behind the others of its tenant', async () => {
  const [long, short] = await queue('a', 2);
  const first = await claim();
  expect(first?.run.id).toBe(long);
  await giveBackRun(database.pool, first!.lease, true);
  expect((await claim())?.run.id).toBe(short);
  expect((await claim())?.run).toMatchObject({ id: long, attempt: 2 });
});

describe('a host', () => {
  test('has no more runs than its limit, and delays no other host', async () => {
    await queue('a', 25);
    await queue('yahoo', 15, { imapHost: 'imap.mail.yahoo.com' });
    const claims = await Promise.all(Array.from({ length: 60 }, () => claim()));
    const hosts = claims.filter((one) => one !== null).map(({ lease }) => lease.tenantId);
    expect(hosts.filter((id) => id === tenantOf('a'))).toHaveLength(19);
    expect(hosts.filter((id) => id === tenantOf('yahoo'))).toHaveLength(9);
    await finish(claims.find((one) => one?.lease.tenantId === tenantOf('yahoo'))!);
    expect((await claim())?.lease.tenantId).toBe(tenantOf('yahoo'));
    expect(await claim()).toBeNull();
  });

  test('that has turned a connection away cools down, longer each time', async () => {
    await queue('a', 2);
    await queue('b', 1);
    const at = (seconds: number) => new Date(1_767_355_200_000 + seconds * 1000);
    await coolHost(database.pool, 'a.example', at(0));
    expect((await claim(at(29)))?.lease.tenantId).toBe(tenantOf('b'));
    expect(await claim(at(29))).toBeNull();
    await coolHost(database.pool, 'a.example', at(29));
    expect(await claim(at(31))).toBeNull();
    expect(await claim(at(88))).toBeNull();
    expect(await claim(at(89))).not.toBeNull();
    await coolHost(database.pool, 'a.example', at(89));
    expect(await claim(at(90))).toBeNull();
    await hostIsWell(database.pool, 'a.example');
    expect(await claim(at(90))).not.toBeNull();
  });
});

test('a throttled account waits until its pause is over', async () => {
  const [waiting] = await queue('a', 1);
  await database.prisma.emailAccount.updateMany({ data: { throttledUntil: new Date(2_000_000) } });
  expect(await claim(new Date(1_999_999))).toBeNull();
  expect((await claim(new Date(2_000_000)))?.run.id).toBe(waiting);
});
