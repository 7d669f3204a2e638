import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createClient, type Client as WsClient } from 'graphql-ws';
import WebSocket from 'ws';
import { freePort } from '../servers/free-port.ts';
import { waitFor } from '../wait.ts';
import { newDataDir } from './embedded-template.ts';

export type ServiceOptions = {
  /** The embedded database's directory; by default a temporary one, removed with the service. */
  dataDir?: string;
  databaseUrl?: string;
  /** The port; a free one by default. Set it to start a service in place of an earlier one. */
  port?: number;
  environment?: Record<string, string>;
  /** A checkout of another version, with its packages installed; by default the present one. */
  checkout?: string;
};

export type GraphqlAnswer<T> = { data: T; errors?: { message: string; extensions: { code: string } }[] };

/** The real service as `npm start` runs it, in a process of its own, on a free port. */
export type Service = AsyncDisposable & {
  readonly url: string;
  readonly apiKey: string;
  readonly pid: number;
  /** The log so far. */
  log(): string;
  ask<T>(query: string, variables?: Record<string, unknown>, apiKey?: string): Promise<GraphqlAnswer<T>>;
  /** Returns the data of an operation, which must succeed. */
  data<T>(query: string, variables?: Record<string, unknown>): Promise<T>;
  /** A graphql-ws client; `dispose()` it. */
  webSocket(apiKey?: string): WsClient;
  /** Sends SIGTERM, or another signal, and returns the exit code once it has ended. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
};

export async function startService(options: ServiceOptions = {}): Promise<Service> {
  const port = options.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  const apiKey = options.environment?.['API_KEY'] ?? `mt_test_${randomBytes(32).toString('base64url')}`;
  const dataDir = options.dataDir ?? newDataDir();
  const child = spawn('sh', ['scripts/service.sh', 'src/main.ts'], {
    cwd: options.checkout ?? join(import.meta.dirname, '../..'),
    env: {
      PATH: process.env['PATH'],
      TMPDIR: process.env['TMPDIR'],
      PORT: String(port),
      API_KEY: apiKey,
      DATA_DIR: dataDir,
      // Only what a test asks for happens: no scheduled syncs, and no retries.
      SYNC_ENABLED: 'false',
      SYNC_MAX_RETRIES: '0',
      ...(options.databaseUrl
        ? { DATABASE_URL: options.databaseUrl, ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64') }
        : {}),
      ...options.environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      log += data.toString();
    });
  }
  const ended = once(child, 'exit') as Promise<[number | null]>;
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;

  async function stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (isRunning()) child.kill(signal);
    const [code] = await ended;
    if (!options.dataDir) rmSync(dataDir, { recursive: true, force: true });
    return code;
  }

  async function ask<T>(query: string, variables = {}, key = apiKey): Promise<GraphqlAnswer<T>> {
    const answer = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({ query, variables }),
    });
    return (await answer.json()) as GraphqlAnswer<T>;
  }

  try {
    await waitFor(async () => !isRunning() || (await fetch(`${url}/readyz`)).ok, {
      what: 'the service to be ready',
      timeoutMs: 150_000,
    });
    if (!isRunning()) throw new Error('it ended');
  } catch (error) {
    await stop('SIGKILL');
    throw new Error(`The service did not start:\n${log.slice(-3000)}`, { cause: error });
  }

  return {
    url,
    apiKey,
    pid: (child as ChildProcess & { pid: number }).pid,
    log: () => log,
    ask,
    async data<T>(query: string, variables = {}) {
      const { data, errors } = await ask<T>(query, variables);
      if (errors) throw new Error(JSON.stringify(errors));
      return data;
    },
    webSocket: (key = apiKey) =>
      createClient({
        url: `${url.replace('http', 'ws')}/graphql`,
        webSocketImpl: WebSocket,
        connectionParams: { authorization: `Bearer ${key}` },
        retryAttempts: 0,
      }),
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}
