import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { freePort } from './free-port.ts';
import { type ServerProcess, startServer } from './server-process.ts';

const HOST = '127.0.0.1';

export type RedisServer = ServerProcess & { readonly url: string; readonly port: number };

/** A private Redis, whose data is deleted when it stops. With `port`, a new one can replace it. */
export async function startRedis(port?: number): Promise<RedisServer> {
  await promisify(execFile)('redis-server', ['--version']).catch(() => {
    throw new Error('redis-server is needed: sh scripts/setup.sh --servers');
  });
  const at = port ?? (await freePort(HOST));
  const folder = mkdtempSync(join(tmpdir(), 'redis-'));
  const url = `redis://${HOST}:${at}`;
  const settings = { port: at, bind: HOST, dir: folder, save: '', appendonly: 'no', 'maxmemory-policy': 'noeviction' };
  const server = await startServer({
    name: 'Redis',
    command: ['redis-server', ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])],
    folder,
    stopSignal: 'KILL',
    ready: () => answers(url),
  });
  return { ...server, url, port: at };
}

async function answers(url: string): Promise<boolean> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 });
  client.on('error', () => {});
  try {
    return (await client.connect().then(() => client.ping())) === 'PONG';
  } finally {
    client.disconnect();
  }
}
