import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as later } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type HttpsHandler, type HttpsServerOptions, startHttpsServer } from '../../lab/servers/https-server.ts';
import { createPinnedFetch, type PinnedFetchOptions } from '../../src/net/pinned-fetch.ts';

const PUBLIC = '93.184.215.14';
const OTHER = '93.184.215.15';
const ADDRESSES: Record<string, string> = {
  'site.example': PUBLIC,
  'other.example': OTHER,
  'inside.example': '10.0.0.7',
  'metadata.example': '169.254.169.254',
};
const names = Object.keys(ADDRESSES);

/** A server that speaks for every name, and a fetch whose connections all lead to it. */
async function site(
  handle: HttpsHandler,
  { certificate, ...options }: HttpsServerOptions & Partial<PinnedFetchOptions> = {},
) {
  const server = await startHttpsServer(handle, { names, ...(certificate && { certificate }) });
  const looked: string[] = [];
  const lookup = async (host: string) => {
    looked.push(host);
    if (ADDRESSES[host]) return [ADDRESSES[host]];
    throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' });
  };
  const policy = { allowPrivateHosts: false, lookup };
  const fetch = createPinnedFetch({ policy, ca: server.authority, dial: server.dial, ...options });
  return { server, looked, fetch, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

const redirectTo =
  (location: string, status = 302) =>
  (_: unknown, response: ServerResponse) =>
    response.writeHead(status, { location }).end();

test('sends a form as fetch does, and returns status, headers and body', async () => {
  await using at = await site(async (request, response) => {
    const received = `${request.headers['content-type']}|${request.headers.accept}|${await text(request)}`;
    response.writeHead(400, { 'content-type': 'application/json', 'set-cookie': ['a=1', 'b=2'] }).end(received);
  });
  const answer = await at.fetch('https://site.example/token?x=1', {
    method: 'POST',
    headers: { accept: 'application/json' },
    body: new URLSearchParams({ code: 'ö' }),
  });
  expect(answer.status).toBe(400);
  expect(answer.headers.get('content-type')).toBe('application/json');
  expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  expect(await answer.text()).toBe('application/x-www-form-urlencoded;charset=UTF-8|application/json|code=%C3%B6');
  expect(at.server.asked).toEqual(['POST https://site.example/token?x=1']);
});

test('an answer without a body is returned', async () => {
  await using at = await site((_, response) => response.writeHead(204).end());
  const answer = await at.fetch('https://site.example/');
  expect([answer.status, answer.body]).toEqual([204, null]);
});

test('the name is resolved once, and the connection goes to that address', async () => {
  let answers = 0;
  const rebinding = async () => {
    answers += 1;
    return [answers === 1 ? PUBLIC : '127.0.0.1'];
  };
  await using at = await site((_, response) => response.end('fine'), {
    policy: { allowPrivateHosts: false, lookup: rebinding },
  });
  expect(await (await at.fetch('https://site.example:8443/')).text()).toBe('fine');
  expect(answers).toBe(1);
  expect(at.server.dialled).toEqual([`${PUBLIC} 8443`]);
});

test.each([
  ['http://site.example/', 'URL_NOT_ALLOWED'],
  ['file:///etc/passwd', 'URL_NOT_ALLOWED'],
  ['https://ann:secret@site.example/', 'URL_NOT_ALLOWED'],
  ['no address', 'URL_NOT_ALLOWED'],
  ['https://127.0.0.1/', 'ADDRESS_NOT_ALLOWED'],
  ['https://0x7f.1/', 'ADDRESS_NOT_ALLOWED'],
  ['https://[::ffff:a9fe:a9fe]/', 'ADDRESS_NOT_ALLOWED'],
  ['https://inside.example/', 'ADDRESS_NOT_ALLOWED'],
  ['https://metadata.example/', 'ADDRESS_NOT_ALLOWED'],
  ['https://nowhere.example/', 'HOST_NOT_FOUND'],
])('%s is refused before any connection: %s', async (url, code) => {
  await using at = await site((_, response) => response.end());
  await expect(at.fetch(url)).rejects.toMatchObject({ name: 'FetchFailed', code });
  await expect(at.fetch(url)).rejects.toBeInstanceOf(TypeError);
  expect(at.server.dialled).toEqual([]);
});

test('private hosts are reached where the policy allows them', async () => {
  await using server = await startHttpsServer((_, response) => response.end('inside'));
  const fetch = createPinnedFetch({ policy: { allowPrivateHosts: true }, ca: server.authority });
  expect(await (await fetch(`https://localhost:${server.port}/`)).text()).toBe('inside');
  expect(await (await fetch(`https://127.0.0.1:${server.port}/`)).text()).toBe('inside');
});

test('of several addresses, one that answers is used', async () => {
  await using server = await startHttpsServer((_, response) => response.end('reached'));
  // Nothing listens on the second loopback address.
  const lookup = async () => ['127.0.0.2', '127.0.0.1'];
  const fetch = createPinnedFetch({ policy: { allowPrivateHosts: true, lookup }, ca: server.authority });
  expect(await (await fetch(`https://localhost:${server.port}/`)).text()).toBe('reached');
});

test('redirects are returned unless asked for', async () => {
  await using at = await site(redirectTo('https://other.example/'));
  const answer = await at.fetch('https://site.example/');
  expect([answer.status, answer.headers.get('location')]).toEqual([302, 'https://other.example/']);
  expect(at.looked).toEqual(['site.example']);
});

test('a followed redirect goes to the other host, without credentials', async () => {
  await using at = await site((request, response) => {
    if (request.headers.host === 'other.example') response.end(JSON.stringify(request.headers));
    else redirectTo('//other.example/next')(request, response);
  });
  const headers = { authorization: 'Bearer secret', cookie: 'a=1', 'user-agent': 'test' };
  const answer = await at.fetch('https://site.example/', { redirect: 'follow', headers });
  expect(at.server.dialled).toEqual([`${PUBLIC} 443`, `${OTHER} 443`]);
  const received = (await answer.json()) as Record<string, string>;
  expect(received).toMatchObject({ 'user-agent': 'test' });
  expect(received).not.toHaveProperty('authorization');
  expect(received).not.toHaveProperty('cookie');
});

test.each([
  ['http://other.example/', 'URL_NOT_ALLOWED'],
  ['https://127.0.0.1/', 'ADDRESS_NOT_ALLOWED'],
  ['https://169.254.169.254/latest/meta-data/', 'ADDRESS_NOT_ALLOWED'],
  ['https://inside.example/', 'ADDRESS_NOT_ALLOWED'],
  ['https://[::1]/', 'ADDRESS_NOT_ALLOWED'],
  ['https://ann:secret@other.example/', 'URL_NOT_ALLOWED'],
  ['https://', 'URL_NOT_ALLOWED'],
  ['/again', 'TOO_MANY_REDIRECTS'],
])('a redirect to %s is not followed: %s', async (location, code) => {
  await using at = await site(redirectTo(location, 307));
  await expect(at.fetch('https://site.example/', { redirect: 'follow' })).rejects.toMatchObject({ code });
  expect(at.server.asked).toHaveLength(code === 'TOO_MANY_REDIRECTS' ? 4 : 1);
});

test.each(['expired', 'wrong-host'] as const)('a certificate, %s, ends the request before it is sent', async (kind) => {
  await using at = await site((_, response) => response.end(), { certificate: kind });
  const attempt = at.fetch('https://site.example/', { method: 'POST', body: 'secret' });
  await expect(attempt).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' });
  expect(at.server.asked).toEqual([]);
});

test('a certificate of an unknown authority ends the request before it is sent', async () => {
  await using at = await site((_, response) => response.end(), { ca: undefined });
  await expect(at.fetch('https://site.example/')).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' });
  expect(at.server.asked).toEqual([]);
});

test.each([
  ['declared', (response: ServerResponse) => response.writeHead(200, { 'content-length': 10_000_000 })],
  ['endless', (response: ServerResponse) => response],
])('a body over the limit, %s, ends the connection', async (_, begin) => {
  const closed = Promise.withResolvers<void>();
  await using at = await site(
    (_, response) => {
      response.once('close', closed.resolve);
      const more = () => response.write(Buffer.alloc(16_384), (error) => !error && more());
      begin(response);
      more();
    },
    { maxBytes: 65_536 },
  );
  await expect(at.fetch('https://site.example/')).rejects.toMatchObject({ code: 'ANSWER_TOO_LARGE' });
  await closed.promise;
});

test('a body of exactly the limit is returned', async () => {
  await using at = await site((_, response) => response.end(Buffer.alloc(1000)), { maxBytes: 1000 });
  expect((await (await at.fetch('https://site.example/')).arrayBuffer()).byteLength).toBe(1000);
});

test.each([
  ['sends nothing', () => {}],
  ['sends a byte now and then', (response: ServerResponse) => trickle(response)],
  ['redirects slowly', (response: ServerResponse) => void later(150).then(() => redirectTo('/')(null, response))],
])('a server that %s is left when the time is over', async (_, answer) => {
  await using at = await site((_, response) => answer(response), { timeoutMs: 400 });
  const attempt = at.fetch('https://site.example/', { redirect: 'follow' });
  await expect(attempt).rejects.toMatchObject({ code: 'TIMED_OUT' });
});

function trickle(response: ServerResponse): void {
  const timer = setInterval(() => response.write('.'), 20);
  response.once('close', () => clearInterval(timer));
}

test('a name server that never answers is left when the time is over', async () => {
  const policy = { allowPrivateHosts: false, lookup: () => new Promise<never>(() => {}) };
  await using at = await site((_, response) => response.end(), { policy, timeoutMs: 100 });
  await expect(at.fetch('https://site.example/')).rejects.toMatchObject({ code: 'TIMED_OUT' });
});

/** A server on loopback that does this with each connection, and its address. */
async function rawServer(handle: (socket: Socket) => void) {
  const server = createServer(handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

test('a handshake that never ends is left when the time is over, and its connection closed', async () => {
  const closed = Promise.withResolvers<void>();
  const { server, url } = await rawServer((socket) => socket.resume().once('close', closed.resolve));
  const fetch = createPinnedFetch({ policy: { allowPrivateHosts: true }, timeoutMs: 200 });
  await expect(fetch(url)).rejects.toMatchObject({ code: 'TIMED_OUT' });
  await closed.promise;
  server.close();
});

test('a signal ends the request with its reason', async () => {
  const arrived = Promise.withResolvers<void>();
  await using at = await site((_, response) => {
    response.write('begun');
    arrived.resolve();
  });
  const abort = new AbortController();
  const attempt = at.fetch('https://site.example/', { signal: abort.signal });
  await arrived.promise;
  const reason = new Error('enough');
  abort.abort(reason);
  await expect(attempt).rejects.toBe(reason);
  await expect(at.fetch('https://site.example/', { signal: abort.signal })).rejects.toBe(reason);
});

test.each([
  ['no HTTP', 'SSH-2.0-OpenSSH\r\n\r\n'],
  ['an impossible status', 'HTTP/1.1 799 What\r\ncontent-length: 0\r\n\r\n'],
  ['a compressed body', 'HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 1\r\n\r\n.'],
  ['a cut body', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n.'],
  ['headers without end', `HTTP/1.1 200 OK\r\n${`x: ${'y'.repeat(1000)}\r\n`.repeat(100)}`],
  ['nothing', ''],
])('%s is an invalid answer', async (_, bytes) => {
  await using at = await site((request) => {
    request.socket.end(bytes);
  });
  await expect(at.fetch('https://site.example/')).rejects.toMatchObject({ code: 'INVALID_ANSWER' });
});

test('a server that cannot be reached, or speaks no TLS, has codes of its own', async () => {
  const { server, url } = await rawServer((socket) => socket.resume().end('220 ready\r\n'));
  const fetch = createPinnedFetch({ policy: { allowPrivateHosts: true } });
  await expect(fetch(url)).rejects.toMatchObject({ code: 'TLS_FAILED' });
  server.close();
  await once(server, 'close');
  await expect(fetch(url)).rejects.toMatchObject({ code: 'UNREACHABLE' });
});
