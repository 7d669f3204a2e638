import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '../../src/domain/ids.ts';
import { encodeId } from '../../src/graphql/ids.ts';
import { appendEvents } from '../../src/store/append-events.ts';
import { inTransaction } from '../../src/store/sql.ts';
import type { EventInput } from '../../src/timeline/schemas.ts';
import { waitFor } from '../support/wait.ts';
import { type EventStream, openEventStream } from './event-stream.ts';
import { type ServedApi, serveApi } from './served-api.ts';
import { type StoredAccount, storeAccount, storeEvents } from './stored-mail.ts';

let api: ServedApi;
let account: StoredAccount;
let id: string;
let accounts = 0;

beforeAll(async () => {
  api = await serveApi();
});

afterAll(() => api?.close());

beforeEach(async () => {
  accounts += 1;
  account = await storeAccount(api.database, api.alice.id, `timeline-${accounts}@example.com`);
  id = encodeId('EmailAccount', account.accountId);
});

const append = (events: EventInput[], at = new Date()) =>
  inTransaction(api.database.pool, (tx) => appendEvents(tx, account.accountId, events, at));
const sql = (text: string, ...values: unknown[]) => api.database.pool.query(text, [account.accountId, ...values]);

describe('the events query', () => {
  const [ann, bob] = [newId(), newId()];
  const place = (mailboxId: string, uid: number) => ({ mailboxId, mailbox: 'x', uidValidity: '1', uid });
  const at = (minute: number) => new Date(Date.UTC(2026, 0, 2, 12, minute));

  beforeEach(async () => {
    const { inbox, archive } = account;
    await append([{ type: 'email_copied', payload: { messageId: ann, ...place(inbox, 1) } }], at(1));
    await append([{ type: 'email_copied', payload: { messageId: bob, ...place(archive, 1) } }], at(2));
    const move = { messageId: ann, from: place(inbox, 1), to: place(archive, 2) };
    await append([{ type: 'email_moved', payload: move }], at(3));
    await append([{ type: 'email_deleted', payload: { messageId: bob, ...place(archive, 1) } }], at(4));
  });

  async function numbers(conditions: string): Promise<string> {
    const answer = await api.ask(
      api.alice,
      `query ($id: ID!) { events(accountId: $id, ${conditions}) { edges { node { seq } } } }`,
      { id },
    );
    if (answer.errors) return answer.errors[0]!.extensions.code;
    return answer.data.events.edges.map((edge: { node: { seq: string } }) => edge.node.seq).join(' ');
  }

  test('filters by type, mailbox, message and time, and by all of them together', async () => {
    const [inbox, archive] = [account.inbox, account.archive].map((one) => encodeId('Mailbox', one));
    expect(await numbers('first: 10')).toBe('1 2 3 4');
    expect(await numbers('order: NEWEST_FIRST')).toBe('4 3 2 1');
    expect(await numbers('order: NEWEST_FIRST, first: 2')).toBe('4 3');
    expect(await numbers('type: email_copied')).toBe('1 2');
    expect(await numbers(`messageId: "${encodeId('Message', ann)}"`)).toBe('1 3');
    expect(await numbers(`mailboxId: "${inbox}"`)).toBe('1 3');
    expect(await numbers(`mailboxId: "${archive}"`)).toBe('2 3 4');
    expect(await numbers('from: "2026-01-02T12:02:00Z", until: "2026-01-02T12:04:00Z"')).toBe('2 3');
    expect(
      await numbers(`mailboxId: "${archive}", messageId: "${encodeId('Message', bob)}", order: NEWEST_FIRST`),
    ).toBe('4 2');
    expect(await numbers(`mailboxId: "${archive}", type: email_moved, from: "2026-01-02T12:03:00.001Z"`)).toBe('');
  });

  test('goes on from a cursor in both directions', async () => {
    const page = `query ($id: ID!, $order: EventOrder!, $after: String) {
      events(accountId: $id, order: $order, first: 3, after: $after) {
        edges { node { seq } } pageInfo { hasNextPage endCursor } } }`;
    for (const [order, rest] of [
      ['OLDEST_FIRST', '4'],
      ['NEWEST_FIRST', '1'],
    ]) {
      const first = await api.ask(api.alice, page, { id, order });
      expect(first.data.events.pageInfo.hasNextPage).toBe(true);
      const second = await api.ask(api.alice, page, { id, order, after: first.data.events.pageInfo.endCursor });
      expect(second.data.events).toMatchObject({ edges: [{ node: { seq: rest } }], pageInfo: { hasNextPage: false } });
    }
  });

  test('does not know what is no id, and shows nothing of others', async () => {
    expect(await numbers('messageId: "nonsense"')).toBe('NOT_FOUND');
    expect(await numbers(`mailboxId: "${encodeId('Message', ann)}"`)).toBe('NOT_FOUND');
    expect(await numbers('from: "yesterday"')).toBe('BAD_USER_INPUT');
    const theirs = await api.ask(api.bob, 'query ($id: ID!) { events(accountId: $id) { edges { node { seq } } } }', {
      id,
    });
    expect(theirs.errors?.[0]?.extensions.code).toBe('NOT_FOUND');
  });
});

describe('a timeline', () => {
  test('is read in order, by type, and verified', async () => {
    await storeEvents(api.database, account.accountId, 5);
    const query = `query($id: ID!, $type: EventType, $after: String) {
      events(accountId: $id, type: $type, first: 2, after: $after) {
        edges { node { seq type schemaVersion occurredAt payload prevHash hash } } pageInfo { hasNextPage endCursor } }
      verifyEventChain(accountId: $id) { ok length head brokenAtSeq reason } }`;
    const first = await api.ask(api.alice, query, { id });
    const { edges, pageInfo } = first.data.events;
    expect(edges.map((edge: { node: object }) => edge.node)).toMatchObject([
      { seq: '1', type: 'mailbox_created', schemaVersion: 1, payload: { path: 'Folder 0' } },
      { seq: '2', prevHash: edges[0].node.hash },
    ]);
    expect(first.data.verifyEventChain).toMatchObject({ ok: true, length: '5', brokenAtSeq: null, reason: null });
    const next = await api.ask(api.alice, query, { id, type: 'mailbox_created', after: pageInfo.endCursor });
    expect(next.data.events.edges.map((edge: { node: { seq: string } }) => edge.node.seq)).toEqual(['3', '4']);
    const other = await api.ask(api.alice, query, { id, type: 'email_moved' });
    expect(other.data.events.edges).toEqual([]);

    await api.database.prisma.event.updateMany({
      where: { accountId: account.accountId, seq: 3n },
      data: { payload: { path: 'forged' } },
    });
    const forged = await api.ask(api.alice, query, { id });
    expect(forged.data.verifyEventChain).toMatchObject({ ok: false, length: '2', brokenAtSeq: '3', reason: 'CONTENT' });
  });

  test('documents every version of its schemas', async () => {
    const { data } = await api.ask(api.alice, '{ eventSchemas { type version jsonSchema } }');
    expect(data.eventSchemas).toContainEqual({
      type: 'mailbox_created',
      version: 1,
      jsonSchema: expect.objectContaining({ type: 'object', required: ['mailboxId', 'path'] }),
    });
  });
});

const exported = (tenant = api.alice, of = id) =>
  fetch(`${api.url}/accounts/${of}/timeline`, { headers: { authorization: `Bearer ${tenant.key}` } });

/** What the standalone verifier says of an export. */
async function verified(text: string, ...more: string[]): Promise<{ code: number; said: string }> {
  const file = join(mkdtempSync(join(tmpdir(), 'timeline-')), 'timeline.ndjson');
  writeFileSync(file, text);
  const script = join(import.meta.dirname, '../../scripts/verify-timeline.mjs');
  return new Promise((resolve) => {
    execFile(process.execPath, [script, file, ...more], (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, said: stdout + stderr });
    });
  });
}

describe('the export', () => {
  test('is the whole timeline, a line for each event, and verifies without us', async () => {
    await storeEvents(api.database, account.accountId, 2345);
    const answer = await exported();
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toContain('application/x-ndjson');
    expect(answer.headers.get('content-disposition')).toContain('.ndjson');
    expect(answer.headers.get('mailtide-timeline-length')).toBe('2345');
    const text = await answer.text();
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(2345);
    expect(lines.at(-1).hash).toBe(answer.headers.get('mailtide-timeline-head'));
    const head = lines.at(-1).hash;
    expect(await verified(text)).toEqual({ code: 0, said: `2345 events are intact; the last hash is ${head}.\n` });
    expect(await verified(text, head)).toMatchObject({ code: 0 });
    const cutOff = text.split('\n').slice(0, 100).join('\n');
    expect(await verified(cutOff)).toMatchObject({ code: 0, said: expect.stringContaining('100 events') });
    expect(await verified(cutOff, head)).toMatchObject({ code: 1, said: expect.stringContaining('Broken at 101') });
  });

  test('of an account without events is empty, which proves nothing', async () => {
    const answer = await exported();
    expect(await answer.text()).toBe('');
    expect(await verified('')).toEqual({ code: 1, said: 'There is no event in it.\n' });
  });

  test('may have its members in another order, and none twice', async () => {
    await storeEvents(api.database, account.accountId, 3);
    const lines = (await (await exported()).text()).trimEnd().split('\n');
    const reordered = lines.map((line) =>
      JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(line)).toReversed())),
    );
    expect(await verified(reordered.join('\n'))).toMatchObject({ code: 0 });
    const twice = lines.with(1, lines[1]!.replace('{', '{"payload":{"path":"forged"},'));
    expect(await verified(twice.join('\n'))).toMatchObject({ code: 1, said: expect.stringContaining('Broken at 2') });
  });

  test('is for its owner only', async () => {
    expect((await exported(api.bob)).status).toBe(404);
    expect((await exported(api.alice, 'nonsense')).status).toBe(404);
    expect((await fetch(`${api.url}/accounts/${id}/timeline`)).status).toBe(401);
  });

  test('of something that is no timeline is refused by name', async () => {
    expect(await verified('{"accountId":"x"}\n')).toMatchObject({
      code: 1,
      said: expect.stringContaining('Broken at 1'),
    });
    expect(await verified('nonsense')).toMatchObject({ code: 1, said: expect.stringContaining('Broken at 1') });
    expect(await verified('null')).toMatchObject({ code: 1 });
  });
});

/** What somebody with the database's password may do to the sixth of ten events, and where that is found. */
const FORGERIES: [string, (() => Promise<unknown>)[], string][] = [
  [
    'a payload is rewritten',
    [() => sql(`UPDATE event SET payload = '{"path": "x"}' WHERE account_id = $1 AND seq = 6`)],
    '6',
  ],
  ['a time is moved', [() => sql(`UPDATE event SET occurred_at = now() WHERE account_id = $1 AND seq = 6`)], '6'],
  ['an event is removed', [() => sql('DELETE FROM event WHERE account_id = $1 AND seq = 6')], '6'],
  [
    'an event is removed and the others are moved up',
    [
      () => sql('DELETE FROM event WHERE account_id = $1 AND seq = 6'),
      () => sql('UPDATE event SET seq = seq - 100 WHERE account_id = $1 AND seq > 6'),
      () => sql('UPDATE event SET seq = seq + 99 WHERE account_id = $1 AND seq < 0'),
    ],
    '6',
  ],
  [
    'an event is added in the middle',
    [
      () => sql('UPDATE event SET seq = seq + 100 WHERE account_id = $1 AND seq >= 6'),
      () => sql('UPDATE event SET seq = seq - 99 WHERE account_id = $1 AND seq > 100'),
      () =>
        sql(`INSERT INTO event SELECT account_id, 6, type, schema_version, occurred_at, payload, prev_hash, hash
          FROM event WHERE account_id = $1 AND seq = 5`),
    ],
    '6',
  ],
  [
    'two events change places',
    [
      () => sql('UPDATE event SET seq = 106 WHERE account_id = $1 AND seq = 6'),
      () => sql('UPDATE event SET seq = 6 WHERE account_id = $1 AND seq = 7'),
      () => sql('UPDATE event SET seq = 7 WHERE account_id = $1 AND seq = 106'),
    ],
    '6',
  ],
];

describe('what is done to the rows is found, by us and by the export alone', () => {
  test.each(FORGERIES)('%s', async (_what, steps, brokenAtSeq) => {
    await storeEvents(api.database, account.accountId, 10);
    for (const step of steps) await step();
    const { data } = await api.ask(
      api.alice,
      'query ($id: ID!) { verifyEventChain(accountId: $id) { ok length brokenAtSeq } }',
      { id },
    );
    expect(data.verifyEventChain).toEqual({ ok: false, length: '5', brokenAtSeq });
    const { code, said } = await verified(await (await exported()).text());
    expect({ code, said }).toMatchObject({ code: 1, said: expect.stringContaining(`Broken at ${brokenAtSeq}:`) });
  });
});

describe('the subscription', () => {
  const follow = (afterSeq: string | null): Promise<EventStream> =>
    openEventStream(
      api.url,
      `subscription { events(accountId: "${id}"${afterSeq === null ? '' : `, afterSeq: "${afterSeq}"`}) { seq type hash } }`,
      { authorization: `Bearer ${api.alice.key}` },
    );
  type Next = { data?: { events: { seq: string } }; errors?: { extensions: { code: string } }[] };
  const seqsOf = ({ events }: EventStream) =>
    events.flatMap(({ data }) => ((data as Next | null)?.data ? [(data as Next).data!.events.seq] : []));
  const upTo = (n: number, from = 1) => Array.from({ length: n - from + 1 }, (_, i) => String(from + i));

  test('without a number begins with what comes next', async () => {
    await storeEvents(api.database, account.accountId, 3);
    const stream = await follow(null);
    await new Promise((resolve) => setImmediate(resolve));
    await waitFor(
      async () => {
        // The stream has opened, but may not have looked at the account yet.
        await storeEvents(api.database, account.accountId, 1);
        return seqsOf(stream).length > 0;
      },
      { what: 'the first event' },
    );
    stream.close();
    const seqs = seqsOf(stream).map(Number);
    expect(seqs[0]).toBeGreaterThan(3);
    expect(seqs).toEqual(upTo(seqs.at(-1)!, seqs[0]).map(Number));
  });

  test('goes on where it was cut off, without a gap or a double, while events are written', async () => {
    const total = 600;
    const writing = (async () => {
      for (let written = 0; written < total; written += 5) await storeEvents(api.database, account.accountId, 5);
    })();
    const seen: string[] = [];
    while (seen.length < total) {
      const stream = await follow(seen.at(-1) ?? '0');
      const missing = Math.min(total - seen.length, 70);
      await waitFor(() => seqsOf(stream).length >= missing, { what: 'more events', timeoutMs: 20_000 });
      // Cut off in the middle of things: some of what has come is taken as not received.
      seen.push(...seqsOf(stream).slice(0, missing));
      stream.close();
    }
    await writing;
    expect(seen).toEqual(upTo(total));
  });

  test('ends with the account', async () => {
    await storeEvents(api.database, account.accountId, 2);
    const stream = await follow('0');
    await waitFor(() => seqsOf(stream).length === 2, { what: 'both events' });
    await api.database.prisma.emailAccount.delete({ where: { id: account.accountId } });
    await stream.ended;
    expect(stream.events.at(-1)?.event).toBe('complete');
  });

  test('refuses what is no number of an event, and what is not theirs', async () => {
    for (const [number, code] of [
      ['-1', 'BAD_USER_INPUT'],
      ['9999999999999999999', 'BAD_USER_INPUT'],
    ] as const) {
      const stream = await follow(number);
      await stream.ended;
      expect((stream.events[0]!.data as Next).errors?.[0]?.extensions.code, number).toBe(code);
    }
    const stream = await openEventStream(api.url, `subscription { events(accountId: "${id}") { seq } }`, {
      authorization: `Bearer ${api.bob.key}`,
    });
    await stream.ended;
    expect((stream.events[0]!.data as Next).errors?.[0]?.extensions.code).toBe('NOT_FOUND');
  });
});
