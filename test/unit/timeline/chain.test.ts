import { expect, test } from 'vitest';
import { type ChainedEvent, chainEvents, genesisHash } from '../../../src/timeline/chain.ts';
import type { EventInput } from '../../../src/timeline/schemas.ts';
import { type StoredEvent, verifyChain } from '../../../src/timeline/verify.ts';

const ACCOUNT = '0192f0c1-2b3a-7c4d-8e5f-60718293a4b5';
const GENESIS = { seq: 0n, hash: genesisHash(ACCOUNT) };
const AT = new Date('2026-01-02T03:04:05.006Z');

const created = (path: string): EventInput => ({
  type: 'mailbox_created',
  payload: { mailboxId: '0192f0c1-2b3a-7c4d-8e5f-000000000001', path },
});

const chain = chainEvents(GENESIS, ACCOUNT, ['a', 'b', 'c', 'd', 'e'].map(created), AT);
const headOf = (events: readonly ChainedEvent[]) => events.at(-1)!;
const verify = (events: Iterable<StoredEvent>, head: { seq: bigint; hash: Uint8Array } = headOf(chain)) =>
  verifyChain(ACCOUNT, events, head);

test('links events without gaps, each naming the previous one', () => {
  expect(chain.map((event) => event.seq)).toEqual([1n, 2n, 3n, 4n, 5n]);
  expect(chain[0]!.prevHash).toEqual(GENESIS.hash);
  for (const [i, event] of chain.slice(1).entries()) expect(event.prevHash).toEqual(chain[i]!.hash);
});

test('events appended in parts form the same chain as events appended at once', () => {
  const first = chainEvents(GENESIS, ACCOUNT, ['a', 'b'].map(created), AT);
  const second = chainEvents(headOf(first), ACCOUNT, ['c', 'd', 'e'].map(created), AT);
  expect([...first, ...second]).toEqual(chain);
});

test('a payload that violates its schema is rejected', () => {
  const wrong = [{ path: 'x' }, { path: 1 }, { path: 'NUL \0' }, { path: '\ud83d' }, { path: 'x', extra: true }];
  for (const payload of wrong) {
    const event = { type: 'mailbox_created', payload: { mailboxId: 'no uuid', ...payload } } as unknown as EventInput;
    expect(() => chainEvents(GENESIS, ACCOUNT, [event], AT)).toThrow();
  }
  const noText = created('\ud83d');
  expect(() => chainEvents(GENESIS, ACCOUNT, [noText], AT)).toThrow('not storable text');
});

test('an intact chain verifies, whatever the member order of its payloads', async () => {
  const stored = chain.map((event) => {
    const members = Object.entries(event.payload).reverse();
    return { ...event, payload: Object.fromEntries(members), hash: new Uint8Array(event.hash) };
  });
  const { hash } = headOf(chain);
  expect(await verify(stored)).toEqual({ ok: true, length: 5n, head: hash, brokenAtSeq: null, reason: null });
  expect(await verify([], GENESIS)).toMatchObject({ ok: true, length: 0n, head: GENESIS.hash });
});

const changes: Partial<StoredEvent>[] = [
  { payload: { ...chain[2]!.payload, path: 'C' } },
  { type: 'mailbox_deleted' },
  { schemaVersion: 2 },
  { occurredAt: new Date(AT.getTime() + 1) },
  { occurredAt: new Date(Number.NaN) },
  { hash: Buffer.alloc(32) },
];

test.each(changes)('finds a changed event: %o', async (change) => {
  expect(await verify(chain.with(2, { ...chain[2]!, ...change } as ChainedEvent))).toMatchObject({
    ok: false,
    length: 2n,
    head: chain[1]!.hash,
    brokenAtSeq: 3n,
    reason: 'CONTENT',
  });
});

test('finds a changed event with a recomputed hash', async () => {
  const [forged] = chainEvents(chain[1]!, ACCOUNT, [created('C')], AT);
  expect(await verify(chain.with(2, forged!))).toMatchObject({ brokenAtSeq: 4n, reason: 'LINK' });
});

test('finds a removed, an inserted and a moved event', async () => {
  const [a, b, c, d, e] = chain as [ChainedEvent, ChainedEvent, ChainedEvent, ChainedEvent, ChainedEvent];
  expect(await verify([a, b, d, e])).toMatchObject({ length: 2n, brokenAtSeq: 3n, reason: 'SEQUENCE' });
  expect(await verify([a, b, c, c, d, e])).toMatchObject({ brokenAtSeq: 4n, reason: 'SEQUENCE' });
  expect(await verify([a, c, b, d, e])).toMatchObject({ brokenAtSeq: 2n, reason: 'SEQUENCE' });
  // Renumbered, so that the order looks right.
  expect(await verify([a, { ...c, seq: 2n }, { ...b, seq: 3n }, d, e])).toMatchObject({
    brokenAtSeq: 2n,
    reason: 'LINK',
  });
  expect(await verify([b, c, d, e])).toMatchObject({ length: 0n, brokenAtSeq: 1n });
});

test('finds an end that was cut off, replaced or extended', async () => {
  expect(await verify(chain.slice(0, 3))).toMatchObject({ length: 3n, brokenAtSeq: 4n, reason: 'HEAD' });
  expect(await verify([])).toMatchObject({ length: 0n, brokenAtSeq: 1n, reason: 'HEAD' });
  const replaced = chainEvents(chain[3]!, ACCOUNT, [created('E')], AT);
  expect(await verify([...chain.slice(0, 4), ...replaced])).toMatchObject({
    length: 4n,
    brokenAtSeq: 5n,
    reason: 'HEAD',
  });
  const added = chainEvents(chain[4]!, ACCOUNT, [created('f')], AT);
  expect(await verify([...chain, ...added])).toMatchObject({ length: 5n, brokenAtSeq: 6n, reason: 'HEAD' });
});

test("another account's chain does not verify", async () => {
  const other = '0192f0c1-2b3a-7c4d-8e5f-000000000009';
  expect(await verifyChain(other, chain, headOf(chain))).toMatchObject({ brokenAtSeq: 1n, reason: 'LINK' });
});
