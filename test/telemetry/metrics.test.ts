import { request } from 'node:http';
import pg from 'pg';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withDatabase } from '../../lab/assertions/stored-truth.ts';
import { mails } from '../../lab/mail/mails.ts';
import { freePort } from '../../lab/servers/free-port.ts';
import { dovecot, postgres } from '../../lab/servers/shared-servers.ts';
import { parseExposition, type Scrape, scrape } from '../../lab/service/prometheus-text.ts';
import { type Service, startService } from '../../lab/service/service.ts';
import { connectAccount, finishedRun, startSync, sync } from '../../lab/service/sync.ts';
import { progressOf, watchSocket } from '../../lab/service/watch.ts';
import { waitFor } from '../../lab/wait.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';

/** 500 messages are enough for a few batches. */
const SIZE = 500;
const ADMIN_KEY = 'k'.repeat(32);
const ADMIN = { authorization: `Bearer ${ADMIN_KEY}` };

let databaseUrl: string;
let service: Service;

beforeAll(async () => {
  databaseUrl = await postgres.createDatabase();
  service = await startService({ databaseUrl, environment: { ADMIN_KEY } });
});

afterAll(() => service?.stop());

const rows = <T extends object>(sql: string, at = databaseUrl): Promise<T[]> =>
  withDatabase({ databaseUrl: at }, async (client) => (await client.query<T>(sql)).rows);

test('counters of a process equal the rows that its syncs wrote', async () => {
  dovecot.addUser('metered', { INBOX: mails(0, SIZE), Archive: mails(SIZE, SIZE + 20) });
  const account = await connectAccount(service, dovecot, 'metered');
  const watcher = await watchSocket(service, progressOf(account));
  const runId = await startSync(service, account);

  const during = await waitFor(
    async () => {
      const now = await scrape(service, ADMIN);
      return now.value('mailtide_imap_connections', { host: dovecot.host }) > 0 && now;
    },
    { what: 'a scrape in the middle of the sync', timeoutMs: 30_000 },
  );
  expect(during.value('mailtide_subscriptions', { feed: 'progress' })).toBe(1);
  await finishedRun(service, runId);
  await dovecot.doveadm('flags', 'add', '-u', 'metered', '\\Seen', 'mailbox', 'INBOX', '1:10');
  await dovecot.doveadm('expunge', '-u', 'metered', 'mailbox', 'INBOX', '11:15');
  await sync(service, account);
  await watcher[Symbol.asyncDispose]();

  dovecot.addUser('locked-out', { INBOX: [] });
  const refused = await connectAccount(service, { ...dovecot, password: 'wrong' }, 'locked-out', { verify: false });
  await finishedRun(service, await startSync(service, refused));

  const [sums] = await rows<Record<string, string>>(
    `SELECT sum(messages_fetched) AS fetched, sum(messages_created) AS created, sum(messages_updated) AS updated,
       sum(messages_deleted) AS deleted, sum(bytes_downloaded) AS bytes FROM sync_run`,
  );
  const byStatus = await rows<{ status: string; count: number }>(
    'SELECT status, count(*)::int AS count FROM sync_run GROUP BY status',
  );
  expect(Number(sums!['created'])).toBe(SIZE + 20);
  expect(Number(sums!['updated'])).toBe(10);

  // A run is counted when its end is published, which is after its commit.
  const after = await waitFor(
    async () => {
      const now = await scrape(service, ADMIN);
      return now.value('mailtide_run_seconds_count') === 3 && now.value('mailtide_subscriptions') === 0 && now;
    },
    { what: 'the ends to be counted' },
  );
  for (const what of ['fetched', 'created', 'updated', 'deleted']) {
    expect(after.value('mailtide_messages_total', { what }), what).toBe(Number(sums![what]));
  }
  expect(after.value('mailtide_downloaded_bytes_total')).toBe(Number(sums!['bytes']));
  for (const { status, count } of byStatus) {
    expect(after.value('mailtide_run_seconds_count', { status }), status).toBe(count);
  }
  expect(after.labels('mailtide_run_errors_total', 'code')).toEqual(['IMAP_AUTH_FAILED']);
  expect(after.value('mailtide_run_errors_total')).toBe(1);
  expect(after.value('mailtide_imap_connections')).toBe(0);
  for (const step of ['connect', 'discover', 'enumerate', 'fetch', 'parse', 'store', 'finish', 'prove']) {
    expect(after.value('mailtide_step_seconds_count', { step }), step).toBeGreaterThan(0);
  }
  // Two mailboxes in the first run, one of them again in the second.
  expect(after.value('mailtide_step_seconds_count', { step: 'enumerate' })).toBe(3);
  expect(after.value('mailtide_step_seconds_count', { step: 'parse' })).toBe(
    after.value('mailtide_step_seconds_count', { step: 'store' }),
  );
  expect(after.value('nodejs_eventloop_lag_seconds')).toBeGreaterThan(0);
  expect(after.types.get('mailtide_step_seconds')).toBe('histogram');
});

test('queue and schedule metrics are the same on every node of an installation', async () => {
  const url = await postgres.createDatabase();
  await using api = await startService({ databaseUrl: url, environment: { ROLES: 'api' } });
  dovecot.addUser('queued-1');
  dovecot.addUser('queued-2');
  const first = await connectAccount(api, dovecot, 'queued-1');
  await startSync(api, first);
  await startSync(api, await connectAccount(api, dovecot, 'queued-2'));
  await rows(
    `UPDATE sync_run SET queued_at = now() - interval '1 hour' WHERE ctid = (SELECT min(ctid) FROM sync_run)`,
    url,
  );
  await rows(`UPDATE email_account SET next_sync_at = now() - interval '10 minutes'`, url);

  await using scheduler = await startService({ databaseUrl: url, environment: { ROLES: 'scheduler' } });
  for (const node of [api, scheduler]) {
    const now = await scrape(node);
    expect(now.value('mailtide_database_up')).toBe(1);
    expect(now.value('mailtide_runs', { status: 'QUEUED', trigger: 'USER' })).toBe(2);
    expect(now.value('mailtide_runs')).toBe(2);
    expectBetween(now.value('mailtide_queue_oldest_seconds', { trigger: 'USER' }), 3600, 3700);
    expect(now.value('mailtide_queue_oldest_seconds', { trigger: 'SCHEDULE' })).toBe(0);
    expectBetween(now.value('mailtide_schedule_lag_seconds'), 600, 700);
  }
  expect((await fetch(`${scheduler.url}/graphql`)).status).toBe(404);
});

const expectBetween = (value: number, low: number, high: number) => {
  expect(value).toBeGreaterThanOrEqual(low);
  expect(value).toBeLessThan(high);
};

test('without a database, the metrics that need it have no value', async () => {
  const pool = new pg.Pool({ host: '127.0.0.1', port: await freePort(), user: 'nobody' });
  const metrics = createMetrics({ pool, log: pino({ level: 'silent' }), namesHosts: false });
  const { text } = await metrics.exposition();
  const now = parseExposition(text);
  expect(now.value('mailtide_database_up')).toBe(0);
  expect(text).not.toMatch(/^mailtide_(runs|queue_oldest_seconds|schedule_lag_seconds)\b/m);
  expect(text).toMatch(/^mailtide_messages_total\{what="created"\} 0$/m);
  await pool.end();
});

test('only the hosts with the most connections are named, none without ADMIN_KEY', async () => {
  const hostsOf = async (namesHosts: boolean): Promise<Scrape> => {
    const pool = new pg.Pool({ port: 1 });
    const metrics = createMetrics({ pool, log: pino({ level: 'silent' }), namesHosts });
    for (let i = 0; i < 1000; i += 1) {
      const closed = await metrics.connection(`host-${i}`, async () => ({ close: async () => {} }));
      if (i >= 500) await closed.close();
      // Closing twice removes one connection, not two.
      if (i >= 900) await closed.close();
    }
    for (let i = 0; i < 3; i += 1) await metrics.connection('host-7', async () => ({ close: async () => {} }));
    return parseExposition((await metrics.exposition()).text);
  };
  const named = await hostsOf(true);
  expect(named.labels('mailtide_imap_connections', 'host').length).toBe(21);
  expect(named.value('mailtide_imap_connections')).toBe(503);
  expect(named.value('mailtide_imap_connections', { host: 'host-7' })).toBe(4);
  const unnamed = await hostsOf(false);
  expect(unnamed.labels('mailtide_imap_connections', 'host')).toEqual(['other']);
  expect(unnamed.value('mailtide_imap_connections')).toBe(503);
});

describe('who may read /metrics', () => {
  const status = async (at: Service, headers: Record<string, string> = {}) =>
    new Promise<number>((resolve, reject) => {
      // fetch() does not allow setting the Host header.
      request(`${at.url}/metrics`, { headers }, (answer) => {
        answer.resume();
        resolve(answer.statusCode!);
      })
        .on('error', reject)
        .end();
    });

  test('with ADMIN_KEY: clients that have it', async () => {
    expect(await status(service, ADMIN)).toBe(200);
    expect(await status(service)).toBe(401);
    expect(await status(service, { authorization: `Bearer ${ADMIN_KEY}x` })).toBe(401);
    expect(await status(service, { authorization: `Bearer ${service.apiKey}` })).toBe(401);
    expect(service.log()).not.toContain(ADMIN_KEY);
  });

  test('without ADMIN_KEY: direct requests from this machine only', async () => {
    await using open = await startService({ databaseUrl: await postgres.createDatabase() });
    expect(await status(open)).toBe(200);
    expect(await status(open, { host: 'localhost:4000' })).toBe(200);
    expect(await status(open, { host: 'mail.example.com' })).toBe(421);
    for (const mark of ['x-forwarded-for', 'forwarded', 'x-forwarded-proto', 'x-real-ip', 'via', 'cf-connecting-ip']) {
      expect(await status(open, { [mark]: '127.0.0.1' }), mark).toBe(403);
    }
    const { text } = await fetch(`${open.url}/metrics`).then(async (answer) => ({ text: await answer.text() }));
    expect(text).not.toContain('127.0.0.1');
  });
});
