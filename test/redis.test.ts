import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import pino from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type RedisServer, startRedis } from '../lab/servers/redis.ts';
import { waitFor } from '../lab/wait.ts';
import { openRedis, type RedisLink } from '../src/redis.ts';

let server: RedisServer;
let admin: Redis;
let link: RedisLink;
let logged: string;

beforeEach(async () => {
  server = await startRedis();
  admin = new Redis(server.url);
  logged = '';
});

afterEach(async () => {
  link?.close();
  admin?.disconnect();
  await server?.stop();
});

function keep(line: string): void {
  logged += line;
}

function open(url = server.url): void {
  const log = pino({ level: 'trace' }, { write: keep });
  link = openRedis(url, 'test', log);
}

const becomes = (ready: boolean) =>
  waitFor(() => link.isReady === ready, { what: ready ? 'Redis' : 'it to be noticed', timeoutMs: 20_000 });

test.each([
  {
    name: 'is full',
    reason: 'OOM',
    refuse: () => admin.config('SET', 'maxmemory', '1'),
    take: () => admin.config('SET', 'maxmemory', '0'),
  },
  {
    name: 'became a replica',
    reason: 'READONLY',
    refuse: () => admin.call('REPLICAOF', '127.0.0.1', '1'),
    take: () => admin.call('REPLICAOF', 'NO', 'ONE'),
  },
])('a Redis that $name counts as down until it accepts writes', async (one) => {
  open();
  await becomes(true);
  await one.refuse();
  await becomes(false);
  expect(await link.commands.ping().catch(() => 'reconnecting')).toMatch(/PONG|reconnecting/);
  expect(logged).toMatch(new RegExp(`"reason":"${one.reason}.*Redis is unavailable`));
  await one.take();
  await becomes(true);
  expect(logged.match(/Redis is unavailable/g)).toHaveLength(1);
});

test('a password that Redis rejects appears in no log line', async () => {
  await admin.config('SET', 'requirepass', 'the-right-one');
  open(server.url.replace('//', '//:the-wrong-one@'));
  link.blocking().on('error', (error) => keep(inspect(error)));
  await waitFor(() => logged.includes('WRONGPASS'), { what: 'the refusal' });
  await waitFor(() => logged.split('WRONGPASS').length > 2, { what: 'the failure of the other connection' });
  expect(link.isReady).toBe(false);
  expect(logged).not.toContain('the-wrong-one');
});
