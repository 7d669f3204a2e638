import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { openEventStream } from '../../lab/service/event-stream.ts';
import { waitFor } from '../../lab/wait.ts';
import { progressOf, type SyncProgress } from '../../src/domain/progress.ts';
import { encodeId } from '../../src/graphql/ids.ts';
import type { ProgressFeed } from '../../src/live/progress-feed.ts';
import { cookieOf } from './requests.ts';
import { type ServedApi, serveApi, type TestTenant } from './served-api.ts';
import { type StoredAccount, storeAccount, storeRun } from './stored-mail.ts';

/** How many frames of the endless account were requested, and whether its feed was ended. */
const endless = { accountId: '', frames: 0, aborted: 0 };

let api: ServedApi;
let account: StoredAccount;
let accountId: string;
let frame: SyncProgress;

beforeAll(async () => {
  api = await serveApi(({ progress }) => ({ progress: withEndless(progress) }));
  account = await storeAccount(api.database, api.alice.id, 'alice@example.com');
  accountId = encodeId('EmailAccount', account.accountId);
  frame = progressOf(api.alice.id, await storeRun(api.database, account.accountId));
  endless.accountId = (await storeAccount(api.database, api.alice.id, 'endless@example.com')).accountId;
});

afterAll(() => api?.close());

/** The real feed, except for one account that always has a next frame, of several kilobytes. */
function withEndless(progress: ProgressFeed): ProgressFeed {
  return {
    ...progress,
    ofAccount(tenantId, id, signal) {
      if (id !== endless.accountId) return progress.ofAccount(tenantId, id, signal);
      signal.addEventListener('abort', () => endless.aborted++, { once: true });
      return (async function* () {
        while (!signal.aborted) {
          endless.frames++;
          yield { ...frame, mailbox: 'x'.repeat(10_000) };
          await new Promise(setImmediate);
        }
      })();
    },
  };
}

const progress = (id: string): string =>
  `subscription { syncProgress(accountId: "${id}") { accountId status percent sequence messagesTotal mailbox } }`;
const bearer = ({ key }: TestTenant) => ({ authorization: `Bearer ${key}` });
const next = (sequence: bigint, percent: number): SyncProgress => ({ ...frame, sequence, percent });
const shown = (sequence: string, percent: number) => ({
  accountId,
  status: 'RUNNING',
  percent,
  sequence,
  messagesTotal: 200,
  mailbox: null,
});

function client(params: object, headers: Record<string, string> = {}) {
  class Socket extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols, { headers });
    }
  }
  return createClient({
    url: `${api.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: Socket,
    connectionParams: { ...params },
    retryAttempts: 0,
  });
}

describe('over WebSocket', () => {
  test('a subscriber receives the current state at once, then every change', async () => {
    const subscriber = client(bearer(api.alice));
    const frames = subscriber.iterate({ query: progress(accountId) });
    expect((await frames.next()).value).toEqual({ data: { syncProgress: shown('7', 25) } });
    api.bus.publish(next(8n, 50));
    expect((await frames.next()).value).toEqual({ data: { syncProgress: shown('8', 50) } });
    await frames.return?.();
    await subscriber.dispose();
  });

  test('queries and mutations work too', async () => {
    const subscriber = client({ Authorization: `Bearer ${api.bob.key}` });
    const answers = subscriber.iterate({ query: '{ viewer { tenant { name } } }' });
    expect((await answers.next()).value).toEqual({ data: { viewer: { tenant: { name: 'bob' } } } });
    await subscriber.dispose();
  });

  test.each([
    ['NOT_FOUND', () => progress(accountId)],
    ['NOT_FOUND', () => progress('nonsense')],
    ['BAD_USER_INPUT', () => 'subscription { nonsense }'],
    ['BAD_USER_INPUT', () => '}'],
    ['QUERY_TOO_COMPLEX', () => `subscription { syncActivity { ${'at '.repeat(3000)} } }`],
  ])('%s is an error of the subscription', async (code, query) => {
    const subscriber = client(bearer(api.bob));
    const answer = await subscriber
      .iterate({ query: query() })
      .next()
      .then(
        ({ value }) => value.errors,
        (errors) => errors,
      );
    expect(answer).toMatchObject([{ extensions: { code } }]);
    await subscriber.dispose();
  });

  test.each([
    ['no key', {}, {}, 4403],
    ['a wrong key', { authorization: `Bearer mt_x_${'y'.repeat(43)}` }, {}, 4403],
    ['something else', { authorization: 42 }, {}, 4403],
    ['a page of another site', {}, { cookie: 'session', origin: 'https://evil.example' }, 4403],
  ])('%s is refused with its close code', async (_what, params, headers, code) => {
    const cookie = 'cookie' in headers ? { ...headers, cookie: await signIn(api.alice) } : headers;
    const subscriber = client(params, cookie);
    const refused = subscriber.iterate({ query: '{ viewer { __typename } }' }).next();
    await expect(refused).rejects.toMatchObject({ code });
  });

  test("the cookie is accepted from the service's own page", async () => {
    const subscriber = client({}, { cookie: await signIn(api.alice), origin: api.url });
    const answer = await subscriber.iterate({ query: '{ viewer { tenant { name } } }' }).next();
    expect(answer.value).toEqual({ data: { viewer: { tenant: { name: 'alice' } } } });
    await subscriber.dispose();
  });

  test('a subscription before the acknowledgement closes with 4401, silence with 4408', async () => {
    const open = () => new WebSocket(`${api.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    const hasty = open();
    hasty.on('open', () =>
      hasty.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: '{ viewer { __typename } }' } })),
    );
    const silent = open();
    const code = (socket: WebSocket) => new Promise((resolve) => socket.on('close', resolve));
    expect(await Promise.all([code(hasty), code(silent)])).toEqual([4401, 4408]);
  });

  test('a client that does not read stops the feed, and its disconnect ends the feed', async () => {
    const before = { ...endless };
    const socket = new WebSocket(`${api.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    await new Promise((resolve) => socket.on('open', resolve));
    const query = progress(encodeId('EmailAccount', endless.accountId));
    // The first message acknowledges the connection.
    socket.once('message', () => socket.pause());
    socket.send(JSON.stringify({ type: 'connection_init', payload: bearer(api.alice) }));
    await waitFor(() => socket.isPaused, { what: 'the acknowledgement' });
    socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }));
    await heldBack(before.frames);
    socket.terminate();
    await waitFor(() => endless.aborted === before.aborted + 1, { what: 'the end of the feed' });
  });
});

describe('over server-sent events', () => {
  test('each subscriber receives the current state at once, then every change', async () => {
    await api.database.prisma.syncRun.updateMany({ data: { sequence: 7n, percent: 25 } });
    const streams = await Promise.all(
      [1, 2].map(() => openEventStream(api.url, progress(accountId), bearer(api.alice))),
    );
    for (const { events } of streams) await waitFor(() => events.length === 1, { what: 'the present state' });
    api.bus.publish(next(8n, 50));
    for (const { events } of streams) await waitFor(() => events.length === 2, { what: 'the change' });
    for (const stream of streams) {
      expect(stream.events).toEqual([
        { event: 'next', data: { data: { syncProgress: shown('7', 25) } } },
        { event: 'next', data: { data: { syncProgress: shown('8', 50) } } },
      ]);
      stream.close();
    }
  });

  test('a tenant receives its own activity only', async () => {
    const query = 'subscription { syncActivity { accountId } }';
    const [mine, theirs] = await Promise.all([
      openEventStream(api.url, query, bearer(api.alice)),
      openEventStream(api.url, query, bearer(api.bob)),
    ]);
    await waitFor(() => mine.events.length === 1, { what: 'the active run' });
    api.bus.publish({ ...frame, tenantId: api.bob.id, accountId: account.archive });
    await waitFor(() => theirs.events.length === 1, { what: "bob's frame" });
    expect(theirs.events[0]?.data).toEqual({
      data: { syncActivity: { accountId: encodeId('EmailAccount', account.archive) } },
    });
    expect(mine.events).toHaveLength(1);
    mine.close();
    theirs.close();
  });

  test('an error is the only event', async () => {
    const stream = await openEventStream(api.url, progress(accountId), bearer(api.bob));
    await stream.ended;
    expect(stream.events).toMatchObject([
      { event: 'next', data: { errors: [{ extensions: { code: 'NOT_FOUND' } }] } },
      { event: 'complete' },
    ]);
  });

  test('a client that does not read stops the feed, and its disconnect ends the feed', async () => {
    const before = { ...endless };
    const stream = await openEventStream(
      api.url,
      progress(encodeId('EmailAccount', endless.accountId)),
      bearer(api.alice),
    );
    stream.response.pause();
    await heldBack(before.frames);
    stream.close();
    await waitFor(() => endless.aborted === before.aborted + 1, { what: 'the end of the feed' });
  });
});

test('closing the service ends sockets with 1001 and streams with their last event', async () => {
  const closing = await serveApi();
  const own = await storeAccount(closing.database, closing.alice.id, 'a@example.com');
  const query = progress(encodeId('EmailAccount', own.accountId));
  const stream = await openEventStream(closing.url, query, bearer(closing.alice));
  const socket = new WebSocket(`${closing.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  const code = new Promise((resolve) => socket.on('close', resolve));
  socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload: bearer(closing.alice) })));
  await new Promise((resolve) => socket.once('message', resolve));
  socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }));

  const began = Date.now();
  await closing.close();
  expect(await code).toBe(1001);
  await stream.ended;
  expect(stream.events).toEqual([{ event: 'complete', data: null }]);
  expect(Date.now() - began).toBeLessThan(2500);
});

/** Waits until the feed is no longer read: the frames in flight are then all that the client costs. */
async function heldBack(before: number): Promise<void> {
  let last = -1;
  await waitFor(
    async () => {
      const same = endless.frames === last && last > before;
      last = endless.frames;
      await new Promise((resolve) => setTimeout(resolve, 300));
      return same;
    },
    { what: 'the feed to be held back', timeoutMs: 20_000 },
  );
  // The kernel buffers of two sockets, at most some megabytes each.
  expect((last - before) * 10_000).toBeLessThan(16 * 1024 * 1024);
}

const signIn = ({ key }: TestTenant): Promise<string> => cookieOf(api, key);
