import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type EventStream, openEventStream } from '../../lab/service/event-stream.ts';
import { waitFor } from '../../lab/wait.ts';
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

describe('the events subscription', () => {
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

  test('without afterSeq begins with the next event', async () => {
    await storeEvents(api.database, account.accountId, 3);
    const stream = await follow(null);
    await new Promise((resolve) => setImmediate(resolve));
    await waitFor(
      async () => {
        // The stream is open, but may not have read the account yet.
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

  test('resumes after a disconnect without gaps or duplicates during writes', async () => {
    const total = 600;
    const writing = (async () => {
      for (let written = 0; written < total; written += 5) await storeEvents(api.database, account.accountId, 5);
    })();
    const seen: string[] = [];
    while (seen.length < total) {
      const stream = await follow(seen.at(-1) ?? '0');
      const missing = Math.min(total - seen.length, 70);
      await waitFor(() => seqsOf(stream).length >= missing, { what: 'more events', timeoutMs: 20_000 });
      // Disconnects at any moment: the last events count as not received.
      seen.push(...seqsOf(stream).slice(0, missing));
      stream.close();
    }
    await writing;
    expect(seen).toEqual(upTo(total));
  });

  test('ends when the account is deleted', async () => {
    await storeEvents(api.database, account.accountId, 2);
    const stream = await follow('0');
    await waitFor(() => seqsOf(stream).length === 2, { what: 'both events' });
    await api.database.prisma.emailAccount.delete({ where: { id: account.accountId } });
    await stream.ended;
    expect(stream.events.at(-1)?.event).toBe('complete');
  });

  test("rejects invalid event numbers and other tenants' accounts", async () => {
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
