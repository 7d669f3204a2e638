import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { WebSocket } from 'ws';
import { mails } from '../lab/mail/mails.ts';
import { startDovecot } from '../lab/servers/dovecot.ts';
import { startPostgres } from '../lab/servers/postgres.ts';
import { startRedis } from '../lab/servers/redis.ts';
import { startService } from '../lab/service/service.ts';
import { connectAccount, sync } from '../lab/service/sync.ts';
import { waitFor } from '../lab/wait.ts';
import { postgresUsage } from './postgres-usage.ts';
import { usageOf } from './usage.ts';

/**
 * Measures what an installation has many of: a run that finds nothing new, a message, a subscriber, an idle account.
 * Uses real processes: the service in one (all roles), Dovecot, PostgreSQL, Redis. The computations of docs/scaling.md
 * use the results.
 *
 *   npm run costs -- [--accounts 200] [--messages 3000] [--subscribers 1000]
 */
const { values } = parseArgs({
  options: {
    accounts: { type: 'string', default: '200' },
    messages: { type: 'string', default: '3000' },
    subscribers: { type: 'string', default: '1000' },
  },
});
const [accounts, messages, subscribers] = [values.accounts, values.messages, values.subscribers].map(Number) as [
  number,
  number,
  number,
];
/** Messages of each of the many accounts. The cost of a run without changes does not depend on their number. */
const MESSAGES_EACH = 20;

await using dovecot = await startDovecot({ maxConnections: 200 });
await using postgres = await startPostgres();
await using redisServer = await startRedis();
const databaseUrl = await postgres.createDatabase();
await using service = await startService({
  databaseUrl,
  environment: { REDIS_URL: redisServer.url, SYNC_CONCURRENCY: '16', LOG_LEVEL: 'error' },
});
const client = new Client({ connectionString: databaseUrl });
await client.connect();
const redis = new Redis(redisServer.url);
console.log(
  `${new Date().toISOString().slice(0, 10)}, ${cpus().length} x ${cpus()[0]?.model}, Node ${process.version}\n`,
);

const idle = await during(async () => pause(10_000));
print('an idle process: CPU, % of a core', idle.cpuSeconds * 10);
print('  memory, MB', rssMb());
print('  transactions a second', idle.transactions / 10);
print('  Redis commands a second', idle.redisCommands / 10);

console.log('\na message, of a first sync');
dovecot.addUser('large', { INBOX: mails(0, messages) });
await dovecot.doveadm('index', '-u', 'large', 'INBOX');
const large = await connectAccount(service, dovecot, 'large');
const bytesBefore = await databaseBytes();
const first = await during(() => sync(service, large));
perUnit(first, messages);
print('  bytes in the database, with indexes', ((await databaseBytes()) - bytesBefore) / messages, 0);

console.log('\na run that finds nothing new');
for (let i = 0; i < accounts; i += 1) {
  dovecot.addUser(`small-${i}`, { INBOX: mails(i % 50, (i % 50) + MESSAGES_EACH) });
  await connectAccount(service, dovecot, `small-${i}`, { verify: false });
}
await syncAll();
await pause(2000);
const historyBefore = await databaseBytes();
const noop = await during(syncAll);
perUnit(noop, accounts + 1);
print('  bytes in the database that stay', ((await databaseBytes()) - historyBefore) / (accounts + 1), 0);
print('  seconds for all, 16 at once', noop.seconds);

console.log('\na subscriber');
const alone = await during(() => sync(service, large, 'FULL'));
const before = rssMb();
let frames = 0;
const sockets = await Promise.all(Array.from({ length: subscribers }, () => subscribe()));
await waitFor(() => frames >= subscribers, { what: 'the first frame of each', timeoutMs: 60_000 });
print('  memory, KB', ((rssMb() - before) * 1024) / subscribers, 1);
const silent = await during(() => pause(5000));
print('  CPU while nothing happens, ms a second', (silent.cpuSeconds * 1000) / 5 / subscribers, 4);
const framesBefore = frames;
const watched = await during(async () => {
  await sync(service, large, 'FULL');
});
print('  frames that it got of one run', (frames - framesBefore) / subscribers, 1);
print('  CPU of a frame, ms', ((watched.cpuSeconds - alone.cpuSeconds) * 1000) / (frames - framesBefore), 4);
for (const socket of sockets) socket.terminate();

await client.end();
redis.disconnect();
process.exit(0);

interface Used {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly postgresCpuSeconds: number;
  readonly transactions: number;
  readonly walBytes: number;
  readonly redisCommands: number;
}

/** The CPU time of the service, PostgreSQL and Redis during `work`. */
async function during(work: () => Promise<unknown>): Promise<Used> {
  const [began, cpu, pg, commands] = [
    performance.now(),
    usageOf(service.pid),
    await postgresUsage(client),
    await redisCommands(),
  ];
  await work();
  const pgAfter = await postgresUsage(client);
  return {
    seconds: (performance.now() - began) / 1000,
    cpuSeconds: usageOf(service.pid).cpuSeconds - cpu.cpuSeconds,
    postgresCpuSeconds: pgAfter.cpuSeconds - pg.cpuSeconds,
    transactions: pgAfter.transactions - pg.transactions,
    walBytes: pgAfter.walBytes - pg.walBytes,
    redisCommands: (await redisCommands()) - commands,
  };
}

async function redisCommands(): Promise<number> {
  return Number(/total_commands_processed:(\d+)/.exec(await redis.info('stats'))![1]);
}

function perUnit(used: Used, units: number): void {
  print('  CPU of the service, ms', (used.cpuSeconds * 1000) / units);
  print('  CPU of PostgreSQL, ms', (used.postgresCpuSeconds * 1000) / units);
  print('  transactions', used.transactions / units);
  print('  WAL, bytes', used.walBytes / units, 0);
  print('  Redis commands', used.redisCommands / units);
}

async function databaseBytes(): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>('SELECT pg_database_size(current_database()) AS bytes');
  return Number(rows[0]!.bytes);
}

async function syncAll(): Promise<void> {
  await service.data('mutation { startAllEmailSyncs { status } }');
  await waitFor(
    async () => {
      const { rows } = await client.query<{ left: number }>(
        'SELECT count(*)::int AS left FROM sync_run WHERE finished_at IS NULL',
      );
      return rows[0]!.left === 0;
    },
    { what: 'all runs to end', timeoutMs: 300_000 },
  );
}

function subscribe(): Promise<WebSocket> {
  const socket = new WebSocket(`${service.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  socket.on('open', () =>
    socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${service.apiKey}` } })),
  );
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.on('message', (data: Buffer) => {
      const { type } = JSON.parse(data.toString()) as { type: string };
      if (type === 'next') frames += 1;
      if (type !== 'connection_ack') return;
      const query = `subscription { syncProgress(accountId: ${JSON.stringify(large)}) { status phase percent messagesProcessed } }`;
      socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }));
      resolve(socket);
    });
  });
}

function rssMb(): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${service.pid}/status`, 'utf8'))![1]) / 1024;
}

function print(what: string, value: number, digits = 2): void {
  console.log(`${what.padEnd(48)} ${value.toFixed(digits)}`);
}
