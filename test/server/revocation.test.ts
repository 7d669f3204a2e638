import { createConnection } from 'node:net';
import { type Client, createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { openEventStream } from '../../lab/service/event-stream.ts';
import { waitFor } from '../../lab/wait.ts';
import { encodeId } from '../../src/graphql/ids.ts';
import { parseApiKey } from '../../src/store/tenancy/api-key.ts';
import { addKey, revokeKey } from '../../src/store/tenancy/tenants.ts';
import { bearer, codeOf, cookieOf, get, json, post, secretOf } from './requests.ts';
import { type ServedApi, serveApi } from './served-api.ts';
import { storeAccount } from './stored-mail.ts';

let api: ServedApi;
let subscription: string;

beforeAll(async () => {
  api = await serveApi(undefined, { revocationCheckMs: 100 });
  const { accountId } = await storeAccount(api.database, api.alice.id, 'alice@example.com');
  subscription = `subscription { syncProgress(accountId: "${encodeId('EmailAccount', accountId)}") { status } }`;
});

afterAll(() => api?.close());

const viewer = JSON.stringify({ query: '{ viewer { tenant { name } } }' });

/** A WebSocket with an open subscription, and its close code. */
async function openSocket(headers: Record<string, string>): Promise<{ closed: () => number | null; client: Client }> {
  class Socket extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols, { headers });
    }
  }
  let code: number | null = null;
  const client = createClient({
    url: `${api.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: Socket,
    retryAttempts: 0,
    lazy: false,
    on: { closed: (event) => (code = (event as CloseEvent).code) },
    onNonLazyError: () => {},
  });
  const frames = client.iterate({ query: subscription });
  await Promise.race([
    new Promise((resolve) => client.on('connected', resolve)),
    new Promise((_resolve, reject) => client.on('closed', () => reject(new Error('closed')))),
  ]);
  frames.next().catch(() => {});
  return { closed: () => code, client };
}

describe('a revoked key', () => {
  test('ends its WebSockets, event streams and sessions, and is refused over HTTP', async () => {
    const key = await addKey(api.database.prisma, 'alice');
    const cookie = await cookieOf(api, key);
    const socket = await openSocket(bearer(key));
    const ofSession = await openSocket({ cookie, origin: api.url });
    const stream = await openEventStream(api.url, subscription, bearer(key));
    let streamEnded = false;
    void stream.ended.then(() => (streamEnded = true));
    expect((await post(api, '/graphql', viewer, { ...json, ...bearer(key) })).status).toBe(200);

    await revokeKey(api.database.prisma, parseApiKey(key)!.id);
    await waitFor(() => socket.closed() === 4403, { what: 'the socket to close' });
    await waitFor(() => ofSession.closed() === 4403, { what: "the session's socket to close" });
    await waitFor(() => streamEnded, { what: 'the event stream to end' });
    expect((await post(api, '/graphql', viewer, { ...json, ...bearer(key) })).status).toBe(401);
    expect(
      (await get(api, `/graphql?query=${encodeURIComponent('{ viewer { tenant { name } } }')}`, { cookie })).status,
    ).toBe(401);
  });

  test('does not affect other keys of the tenant', async () => {
    const [revoked, kept] = [await addKey(api.database.prisma, 'alice'), await addKey(api.database.prisma, 'alice')];
    const [ends, stays] = [await openSocket(bearer(revoked)), await openSocket(bearer(kept))];
    await revokeKey(api.database.prisma, parseApiKey(revoked)!.id);
    await waitFor(() => ends.closed() === 4403, { what: 'the socket of the revoked key to close' });
    expect(stays.closed()).toBeNull();
    await stays.client.dispose();
  });
});

test("signing out ends the session's WebSockets and event streams", async () => {
  const cookie = await cookieOf(api, api.alice.key);
  const headers = { cookie, origin: api.url };
  const socket = await openSocket(headers);
  const stream = await openEventStream(api.url, subscription, { cookie });
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  await post(api, '/sign-out', '', { ...form, ...headers });
  await waitFor(() => socket.closed() === 4403, { what: 'the socket to close' });
  await stream.ended;
});

test('wrong keys are limited per address, but known clients are still served', async () => {
  const wrong = () => get(api, '/messages/x/source', bearer(`mt_x_${'y'.repeat(43)}`));
  expect((await post(api, '/graphql', viewer, { ...json, ...bearer(api.alice.key) })).status).toBe(200);
  const answers = [await wrong()];
  // The allowance refills during the test: on a slow machine it takes a few more.
  while (answers.at(-1)!.status === 401 && answers.length < 200) answers.push(await wrong());
  const refused = answers.at(-1)!;
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await codeOf(refused)).toEqual([429, 'TOO_MANY_REQUESTS']);
  expect((await post(api, '/graphql', viewer, { ...json, ...bearer(api.alice.key) })).status).toBe(200);
});

test('a loopback listener answers to no foreign host name, over HTTP and WebSocket', async () => {
  const port = Number(new URL(api.url).port);
  const raw = (path: string, more = ''): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = createConnection(port, '127.0.0.1');
      let answer = '';
      socket.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
      socket.on('error', reject).on('close', () => resolve(answer));
      socket.write(`GET ${path} HTTP/1.1\r\nHost: evil.example:${port}\r\nConnection: close\r\n${more}\r\n`);
    });
  expect(await raw('/')).toMatch(/^HTTP\/1.1 421 [\s\S]*HOST_NAME_UNKNOWN/);
  expect(await raw('/metrics')).toMatch(/^HTTP\/1.1 421 /);
  expect(await raw('/readyz')).toMatch(/^HTTP\/1.1 200 /);
  const upgrade = 'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n';
  expect(await raw('/graphql', upgrade)).toMatch(/^HTTP\/1.1 421 /);
});

test('a malformed request leaves none of its contents in the log', async () => {
  const port = Number(new URL(api.url).port);
  const answer = await new Promise<string>((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    socket.on('close', () => resolve(text));
    socket.write(`GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${api.alice.key}\r\nbad header\r\n\r\n`);
  });
  expect(answer).toMatch(/^HTTP\/1.1 400 /);
  await waitFor(() => api.log.some((line) => line.includes('not HTTP')), { what: 'the line in the log' });
  const log = api.log.join('\n');
  expect(log).not.toContain('rawPacket');
  expect(log).not.toContain(secretOf(api.alice.key));
});
