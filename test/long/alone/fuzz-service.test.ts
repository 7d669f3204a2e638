import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { formatPrismaCursor } from '@pothos/plugin-prisma';
import { expect, test } from 'vitest';
import WebSocket from 'ws';
import { type Random, randomFrom } from '../../../lab/random.ts';
import { newDataDir } from '../../../lab/service/embedded-template.ts';
import { randomRequest, type Values } from '../../../lab/service/random-graphql.ts';
import { startService } from '../../../lab/service/service.ts';
import { newId } from '../../../src/domain/ids.ts';
import { encodeId } from '../../../src/graphql/ids.ts';
import { encodePosition } from '../../../src/graphql/message-cursor.ts';
import { schema } from '../../../src/graphql/schema/index.ts';
import { openDatabase } from '../../../src/store/plumbing/database.ts';
import { addTenant } from '../../../src/store/tenancy/tenants.ts';
import { storeAccount, storeEvents, storeMessage, storeRun } from '../../server/stored-mail.ts';

const SECONDS = 40;
/** Limit for the median time of another tenant's request, relative to the quiet service. */
const MAX_SLOWER = 60;
/** Limit for resident memory, relative to the service after its first requests. */
const MAX_LARGER = 3;
/** Limit for any answer, in milliseconds. */
const ANSWER_WAIT_MS = 40_000;
const MARK = 'SecretOfBob';

interface Tenants {
  readonly dataDir: string;
  readonly alice: string;
  readonly bob: string;
  readonly values: Values;
}

/** Two tenants with mail; each of bob's texts contains the mark. */
async function store(): Promise<Tenants> {
  const dataDir = newDataDir();
  const database = await openDatabase({ url: undefined, dataDir });
  const [alice, bob] = [await addTenant(database.prisma, 'alice'), await addTenant(database.prisma, 'bob')];
  const ids = [encodeId('Message', newId()), encodeId('EmailAccount', newId())];
  const cursors = ['', 'x', '\u0000', Buffer.from('GPC:J:[1,{"a":2}]').toString('base64')];
  for (const name of ['alice', 'bob']) {
    const { id: tenantId } = await database.prisma.tenant.findUniqueOrThrow({ where: { name } });
    const account = await storeAccount(database, tenantId, `${name === 'bob' ? MARK : name}@example.com`);
    const { accountId, inbox, archive } = account;
    await storeEvents(database, accountId, 200);
    const run = await storeRun(database, accountId);
    ids.push(encodeId('EmailAccount', accountId), encodeId('Mailbox', inbox), encodeId('SyncRun', run.id));
    for (let i = 0; i < 50; i++) {
      const text = name === 'bob' ? MARK : `word ${'text '.repeat(i === 0 ? 200_000 : 50)}`;
      const mail = { account, subject: `${name === 'bob' ? MARK : 'word'} ${i}`, text, html: `<p>${text}</p>` };
      const { messageId, threadId, attachmentId } = await storeMessage(database, {
        ...mail,
        mailboxes: [inbox, archive],
      });
      if (i > 1) continue;
      ids.push(encodeId('Message', messageId), encodeId('Thread', threadId), encodeId('Attachment', attachmentId));
      const cursorOf = (...parts: unknown[]) =>
        formatPrismaCursor(
          Object.fromEntries(parts.entries()),
          parts.map((_, at) => String(at)),
        );
      cursors.push(formatPrismaCursor({ id: accountId }, 'id'), formatPrismaCursor({ id: messageId }, 'id'));
      cursors.push(
        cursorOf(inbox, 0, 1n),
        cursorOf(accountId, 3n),
        cursorOf(run.id, 'INBOX'),
        cursorOf(inbox, 2 ** 40, 5n),
      );
      cursors.push(encodePosition({ receivedAt: new Date(), id: messageId }));
    }
  }
  await database.close();
  return { dataDir, alice, bob, values: { ids, cursors } };
}

interface Seen {
  readonly status: number;
  readonly body: string;
}

interface Target {
  readonly url: string;
  readonly key: string;
  readonly values: Values;
}

/** Any method, path, headers and body. Returns 0 for a connection that ended without an answer. */
function send(url: string, method: string, path: string, headers: Record<string, string>, body: Buffer): Promise<Seen> {
  return new Promise((resolve) => {
    const none = (): void => resolve({ status: 0, body: '' });
    try {
      const { hostname, port } = new URL(url);
      const sent = request({ hostname, port, method, path, headers }, (response: IncomingMessage) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
        response.on('error', none);
      });
      sent.setTimeout(ANSWER_WAIT_MS, () => {
        sent.destroy();
        resolve({ status: 599, body: `no answer to ${method} ${path}` });
      });
      sent.on('error', none);
      sent.end(body);
    } catch {
      // Node's client does not send it.
      none();
    }
  });
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

function fuzzGraphql({ url, key, values }: Target, random: Random): Promise<Seen> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  return send(url, 'POST', '/graphql', headers, json(randomRequest(schema, random, values)));
}

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD', 'PATCH', 'TRACE', 'PROPFIND'];
const TYPES = [
  'application/json',
  'text/plain',
  'multipart/form-data; boundary=b',
  'application/x-www-form-urlencoded',
  '',
  'application/graphql',
  'application/json; charset=utf-16',
];
const ACCEPTS = ['*/*', 'text/html', 'text/event-stream', 'application/json', 'multipart/mixed', '', 'x/y;q=9'];
const BODIES = [
  '',
  '{',
  '{}',
  '[]',
  'null',
  '[{"query":"{viewer{__typename}}"}]',
  '{"query":7}',
  '{"query":"{viewer{__typename}}","variables":[]}',
  '{"query":"{viewer{__typename}}","operationName":"x","extensions":{"a":1}}',
  '--b\r\n\r\n',
  'a=b&c=%',
  '\u0000',
];

function fuzzHttp({ url, key, values }: Target, random: Random): Promise<Seen> {
  const id = random.pick([...values.ids, 'x', '%00', '..%2f..%2fetc', '%', '%ff', 'a'.repeat(3000)]);
  const path = random.pick([
    '/',
    '/graphql',
    '/graphql?query=%7Bviewer%7B__typename%7D%7D',
    '/graphql?query=%',
    '/sign-in',
    '/sign-in?next=//x&key=1',
    '/sign-out',
    `/messages/${id}/html`,
    `/messages/${id}/html?images=${random.pick(['remote', 'x', '%00'])}`,
    `/messages/${id}/source`,
    `/attachments/${id}`,
    `/accounts/${id}/timeline`,
    '/healthz',
    '/readyz',
    '/metrics',
    '/queues',
    '/assets/../../x',
    `/${id}`,
    '//x',
    '/%2e%2e/',
    '/?a=%',
  ]);
  const headers: Record<string, string> = {
    'content-type': random.pick(TYPES),
    accept: random.pick(ACCEPTS),
    ...(random.chance(0.8)
      ? { authorization: random.pick([`Bearer ${key}`, 'Bearer', 'Basic eDp5', 'Bearer \u00ff']) }
      : {}),
    ...(random.chance(0.2)
      ? { host: random.pick(['evil.example', '', 'localhost:1', '[::1]', 'a b', '127.0.0.1:99999']) }
      : {}),
    ...(random.chance(0.2)
      ? { cookie: random.pick(['a', '=;=;', `session=${'x'.repeat(2000)}`, '__Host-session=%']) }
      : {}),
    ...(random.chance(0.2) ? { origin: random.pick(['null', url, 'http://evil.example']) } : {}),
    ...(random.chance(0.1) ? { range: 'bytes=5-1', 'if-none-match': '*', expect: 'x' } : {}),
    ...(random.chance(0.1)
      ? { 'x-forwarded-for': '1,2,,x', 'x-forwarded-proto': 'https, http', forwarded: 'for="' }
      : {}),
  };
  const body = random.chance(0.2)
    ? Buffer.alloc(random.below(100_000), random.below(256))
    : Buffer.from(random.pick(BODIES));
  const method = random.pick(METHODS);
  return send(url, method, path, headers, method === 'GET' || method === 'HEAD' ? Buffer.alloc(0) : body);
}

const RAW = [
  'GET / HTTP/9.9\r\n\r\n',
  'GET /graphql HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
  '\u0000\u0000\r\n\r\n',
  'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'GET /graphql HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  `GET /${'a'.repeat(20_000)} HTTP/1.1\r\n\r\n`,
];

/** Bytes that are barely HTTP. */
function fuzzBytes({ url }: Target, random: Random): Promise<Seen> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let body = '';
    socket.setTimeout(500, () => socket.destroy());
    socket.on('data', (data) => {
      body += data.toString();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(body)?.[1] ?? 0), body }));
    socket.write(random.pick(RAW));
  });
}

/** Frames and messages in any order. Returns the close code as a status: 1011 and 4500 are faults of the server. */
function fuzzSocket({ url, key, values }: Target, random: Random): Promise<Seen> {
  const init = JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${key}` } });
  const subscribe = (): string =>
    JSON.stringify({
      type: 'subscribe',
      id: random.pick(['1', '2', '']),
      payload: random.chance(0.8)
        ? randomRequest(schema, random, values)
        : random.pick([null, 1, {}, { query: 1 }, { query: 'subscription { accountChanges { accountId } }' }]),
    });
  const odd = [
    '',
    '{',
    'null',
    '[]',
    '{"type":7}',
    '{"type":"next"}',
    '{"type":"complete","id":"1"}',
    '{"type":"ping","payload":[]}',
    '{"type":"pong"}',
    '{"type":"connection_init"}',
    init,
  ];
  return new Promise((resolve) => {
    const protocols = random.pick(['graphql-transport-ws', 'graphql-transport-ws', 'graphql-ws', 'x']);
    const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, protocols);
    let body = '';
    const leave = setTimeout(() => socket.close(), 300 + random.below(700));
    socket.on('message', (data: Buffer) => {
      body += data.toString();
    });
    socket.on('error', () => {});
    socket.on('close', (code) => {
      clearTimeout(leave);
      resolve({ status: code === 1011 || code === 4500 ? 500 : 200, body });
    });
    socket.on('open', () => {
      if (random.chance(0.9)) socket.send(init);
      for (let i = random.below(8); i > 0; i--) {
        if (random.chance(0.7)) socket.send(subscribe());
        else if (random.chance(0.2))
          socket.send(Buffer.alloc(random.below(2_000_000), 0xff), { binary: random.chance(0.5) });
        else socket.send(random.pick(odd));
      }
      if (random.chance(0.1)) socket.terminate();
    });
  });
}

const median = (times: readonly number[]): number => [...times].sort((a, b) => a - b)[times.length >> 1]!;

test.each([[1], [randomInt(2 ** 31)]])(
  'random requests of seed %i over every transport cause no fault, and delay no one',
  async (seed) => {
    console.log(`fuzz of the service: seed ${seed}`);
    const { dataDir, alice, bob, values } = await store();
    await using service = await startService({ dataDir });
    const target: Target = { url: service.url, key: alice, values };
    const probe = async (): Promise<number> => {
      const start = performance.now();
      await service.ask('{ messages(first: 10) { edges { node { subject } } } }', {}, bob);
      return performance.now() - start;
    };
    const memory = (): number =>
      Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${service.pid}/status`, 'utf8'))![1]);
    const quiet: number[] = [];
    for (let i = 0; i < 60; i++) quiet.push(await probe());
    const before = memory();

    const end = Date.now() + SECONDS * 1000;
    const faults: string[] = [];
    let count = 0;
    let largest = before;
    async function attack(fuzz: (target: Target, random: Random) => Promise<Seen>, nth: number): Promise<void> {
      for (let i = 0; Date.now() < end && faults.length < 10; i++) {
        // Each request can be repeated alone.
        const own = (seed + nth * 1_000_003 + i * 7919) >>> 0;
        const { status, body } = await fuzz(target, randomFrom(own));
        count += 1;
        const isFault = status >= 500 || body.includes('"INTERNAL"') || body.includes(MARK);
        if (isFault) faults.push(`${fuzz.name} ${own}: ${status} ${body.slice(0, 600)}`);
      }
    }
    const busy: number[] = [];
    async function watch(): Promise<void> {
      while (Date.now() < end && faults.length < 10) {
        busy.push(await probe());
        largest = Math.max(largest, memory());
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
    await Promise.all([watch(), ...[fuzzGraphql, fuzzGraphql, fuzzHttp, fuzzBytes, fuzzSocket].map(attack)]);

    const slower = median(busy) / median(quiet);
    const larger = largest / before;
    console.log(
      `${count} requests; another tenant's ${slower.toFixed(1)} times slower; memory ${larger.toFixed(2)} times`,
    );
    const failures = service
      .log()
      .split('\n')
      .filter((line) => /"level":(50|60)/.test(line));
    expect([faults, failures]).toEqual([[], []]);
    expect((await service.ask('{ viewer { tenant { name } } }', {}, bob)).data).toEqual({
      viewer: { tenant: { name: 'bob' } },
    });
    expect(slower).toBeLessThan(MAX_SLOWER);
    expect(larger).toBeLessThan(MAX_LARGER);
  },
  180_000,
);
