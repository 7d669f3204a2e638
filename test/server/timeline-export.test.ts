import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type ServedApi, serveApi } from './served-api.ts';
import { newAccount, type StoredAccount, storeEvents } from './stored-mail.ts';

let api: ServedApi;
let account: StoredAccount;
let id: string;

beforeAll(async () => {
  api = await serveApi();
});

afterAll(() => api?.close());

beforeEach(async () => {
  ({ account, id } = await newAccount(api));
});

const sql = (text: string, ...values: unknown[]) => api.database.pool.query(text, [account.accountId, ...values]);

const exported = (tenant = api.alice, of = id) =>
  fetch(`${api.url}/accounts/${of}/timeline`, { headers: { authorization: `Bearer ${tenant.key}` } });

/** The result of the standalone verifier for an export. */
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

describe('the timeline export', () => {
  test('has a line per event, and verifies without Mailtide', async () => {
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

  test('of an account without events is empty, and is rejected', async () => {
    const answer = await exported();
    expect(await answer.text()).toBe('');
    expect(await verified('')).toEqual({ code: 1, said: 'There is no event in it.\n' });
  });

  test('may order members differently, but must not repeat one', async () => {
    await storeEvents(api.database, account.accountId, 3);
    const lines = (await (await exported()).text()).trimEnd().split('\n');
    const reordered = lines.map((line) =>
      JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(line)).toReversed())),
    );
    expect(await verified(reordered.join('\n'))).toMatchObject({ code: 0 });
    const twice = lines.with(1, lines[1]!.replace('{', '{"payload":{"path":"forged"},'));
    expect(await verified(twice.join('\n'))).toMatchObject({ code: 1, said: expect.stringContaining('Broken at 2') });
  });

  test('is NOT_FOUND for other tenants', async () => {
    expect((await exported(api.bob)).status).toBe(404);
    expect((await exported(api.alice, 'nonsense')).status).toBe(404);
    expect((await fetch(`${api.url}/accounts/${id}/timeline`)).status).toBe(401);
  });

  test('a file that is no timeline is rejected with its reason', async () => {
    expect(await verified('{"accountId":"x"}\n')).toMatchObject({
      code: 1,
      said: expect.stringContaining('Broken at 1'),
    });
    expect(await verified('nonsense')).toMatchObject({ code: 1, said: expect.stringContaining('Broken at 1') });
    expect(await verified('null')).toMatchObject({ code: 1 });
  });
});

/** What an attacker with the database's password may do to the sixth of ten events, and where that is found. */
const FORGERIES: [string, (() => Promise<unknown>)[], string][] = [
  [
    'a payload is rewritten',
    [() => sql(`UPDATE event SET payload = '{"path": "x"}' WHERE account_id = $1 AND seq = 6`)],
    '6',
  ],
  ['a time is changed', [() => sql(`UPDATE event SET occurred_at = now() WHERE account_id = $1 AND seq = 6`)], '6'],
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

describe('tampering is found by the service and from the export alone', () => {
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
