import { describe, expect, test } from 'vitest';
import { carrierOf, SHARED } from '../../../src/domain/carrier.ts';
import {
  assignThreads,
  type KnownReference,
  keysOf,
  type LinkedMessage,
  type NewReference,
  referenceKey,
} from '../../../src/domain/threads.ts';

const mail = (key: string, messageIdHeader: string | null, ...references: string[]): LinkedMessage => ({
  key,
  own: messageIdHeader === null ? null : referenceKey(messageIdHeader),
  carrier: ANN,
  references: references.map(referenceKey),
});
const letter = (address: string, subject: string, sentAt = '2026-03-03T09:00:00Z'): bigint =>
  carrierOf({ from: [{ name: null, address }], subject, sentAt: new Date(sentAt) });
const ANN = letter('ann@example.org', 'Bees');

/** An account's threads as the database keeps them between batches. */
class Account {
  readonly refs = new Map<bigint, KnownReference>();
  readonly threads = new Set<string>();
  readonly messages = new Map<string, string>();
  #next = 0;

  add(batch: readonly LinkedMessage[]): void {
    const keys = new Set(batch.flatMap(keysOf));
    const known = new Map([...this.refs].filter(([ref]) => keys.has(ref)));
    const result = assignThreads(batch, known, () => `t${String(this.#next++).padStart(6, '0')}`);
    for (const thread of result.newThreads) this.threads.add(thread);
    for (const [key, thread] of result.threadOf) this.messages.set(key, thread);
    for (const [ref] of result.newReferences)
      if (this.refs.has(ref)) throw new Error('a reference that is known is not new');
    for (const [ref] of result.changedReferences)
      if (!this.refs.has(ref)) throw new Error('only a reference that is known can change');
    const write = ([ref, threadId, carrier]: NewReference) => this.refs.set(ref, { threadId, carrier, isOld: false });
    for (const reference of [...result.newReferences, ...result.changedReferences]) write(reference);
    for (const [from, into] of result.merges) {
      for (const [key, thread] of this.messages) if (thread === from) this.messages.set(key, into);
      for (const [ref, { threadId, carrier }] of this.refs) if (threadId === from) write([ref, into, carrier]);
      if (!this.threads.delete(from)) throw new Error('a thread that does not exist cannot be merged');
    }
    for (const thread of [...this.messages.values(), ...[...this.refs.values()].map(({ threadId }) => threadId)])
      if (!this.threads.has(thread)) throw new Error('nothing may be left in a thread that does not exist');
  }

  partition(): string[] {
    const members = Map.groupBy(this.messages.keys(), (key) => this.messages.get(key)!);
    return [...members.values()].map((keys) => keys.sort().join()).sort();
  }
}

test('a reference key is the first 64 bits of SHA-256, signed', () => {
  expect(referenceKey('<a@example.com>')).toBe(BigInt.asIntN(64, 0x388aa267e2b92c85n));
});

test('a reply that arrived before its parent shares its thread', () => {
  const account = new Account();
  account.add([mail('reply', '<2>', '<1>')]);
  account.add([mail('parent', '<1>')]);
  expect(account.partition()).toEqual(['parent,reply']);
});

test('siblings whose parent never arrived share a thread', () => {
  const account = new Account();
  account.add([mail('a', '<2>', '<1>'), mail('b', '<3>', '<1>')]);
  expect(account.partition()).toEqual(['a,b']);
});

test('a message that refers to two threads merges them into the older', () => {
  const account = new Account();
  account.add([mail('a', '<1>')]);
  account.add([mail('b', '<2>')]);
  const older = account.messages.get('a')!;
  account.add([mail('c', '<3>', '<2>', '<1>')]);
  expect([...account.messages.values()]).toEqual([older, older, older]);
  expect([...account.threads]).toEqual([older]);
});

test('messages without any id stay in threads of their own', () => {
  const account = new Account();
  account.add([mail('a', null), mail('b', null)]);
  expect(account.partition()).toEqual(['a', 'b']);
});

describe('a Message-ID of several messages', () => {
  const robots = ['robot@one.example.org', 'shop@two.example.org', 'alarm@three.example.org'];
  const strangers = robots.map((address, i) => ({ ...mail(address, '<0>'), carrier: letter(address, `Letter ${i}`) }));

  test('that are copies of one letter, joins them', () => {
    const account = new Account();
    const copies = [
      letter('ann@example.org', '[list] Bees'),
      letter('list@example.org', 'Re: [list] bees'),
      letter('ann@example.org', '***SPAM*** Cheap bees'),
      letter('ann@example.org', 'Bees', '2026-03-04T00:00:00Z'),
    ];
    account.add([mail('sent', '<1>')]);
    for (const [i, carrier] of copies.entries()) account.add([{ ...mail(`copy ${i}`, '<1>'), carrier }]);
    expect(account.partition()).toEqual(['copy 0,copy 1,copy 2,copy 3,sent']);
  });

  test('that are different letters, joins none, in any order and batch size', () => {
    const random = seeded(3);
    for (let order = 0; order < 20; order++) {
      const account = new Account();
      const rest = shuffled(random, strangers);
      while (rest.length > 0) account.add(rest.splice(0, 1 + below(random, 3)));
      expect(account.partition()).toEqual(robots.toSorted());
      expect(account.refs.get(referenceKey('<0>'))?.carrier).toBe(SHARED);
    }
  });

  test('that are different letters, joins no later reply either', () => {
    const account = new Account();
    account.add(strangers.slice(0, 2));
    account.add([mail('reply', '<2>', '<0>'), mail('other', '<3>', '<0>')]);
    account.add([mail('answer', '<4>', '<0>', '<2>')]);
    expect(account.partition()).toEqual(['answer,reply', 'other', 'robot@one.example.org', 'shop@two.example.org']);
  });

  test('that a reply named before it arrived, belongs to its first letter', () => {
    const account = new Account();
    account.add([mail('reply', '<2>', '<0>')]);
    account.add([strangers[0]!]);
    account.add([strangers[1]!]);
    expect(account.partition()).toEqual(['reply,robot@one.example.org', 'shop@two.example.org']);
  });
});

test("a reference to an earlier version's row joins provisionally, the oldest first", () => {
  const known = new Map<bigint, KnownReference>([
    [referenceKey('<1>'), { threadId: 't2', carrier: null, isOld: true }],
    [referenceKey('<2>'), { threadId: 't1', carrier: null, isOld: true }],
    [referenceKey('<3>'), { threadId: 't0', carrier: null, isOld: false }],
  ]);
  const result = assignThreads([mail('a', '<1>', '<2>', '<3>', '<4>')], known, () => 'new');
  expect(result).toMatchObject({ newThreads: [], newReferences: [], changedReferences: [], merges: [] });
  expect([...result.threadOf]).toEqual([['a', 't1']]);
  expect([...result.provisional]).toEqual(['a']);
});

test('the same messages always give the same result', () => {
  const assign = () => {
    let next = 0;
    return assignThreads(
      forest(seeded(7), 50),
      new Map([[referenceKey('<3>'), { threadId: 'known', carrier: null, isOld: false }]]),
      () => `n${next++}`,
    );
  };
  expect(assign()).toEqual(assign());
});

test('any order of arrival and any batch size gives the same partition', () => {
  const random = seeded(1);
  for (let round = 0; round < 100; round++) {
    const mails = forest(random, 40);
    const expected = connected(mails);
    for (let order = 0; order < 4; order++) {
      const account = new Account();
      const rest = shuffled(random, mails);
      while (rest.length > 0) account.add(rest.splice(0, 1 + below(random, 12)));
      expect(account.partition()).toEqual(expected);
    }
  }
});

/** Mails that refer to each other at random, some without an id, some with the id of another. */
function forest(random: () => number, size: number): LinkedMessage[] {
  return Array.from({ length: size }, (_, i) => {
    const id = below(random, 10) === 0 ? null : `<${below(random, 8) === 0 ? below(random, size) : i}>`;
    const references = Array.from({ length: below(random, 3) }, () => `<${below(random, size * 2)}>`);
    return mail(`m${i}`, id, ...(below(random, 2) ? references : []));
  });
}

/** The expected partition, computed slowly: joins everything that shares an id until nothing changes. */
function connected(mails: readonly LinkedMessage[]): string[] {
  let groups = mails.map((one) => ({
    keys: [one.key],
    ids: new Set(keysOf(one)),
  }));
  for (let before = -1; before !== groups.length; ) {
    before = groups.length;
    for (const group of groups) {
      const other = groups.find((one) => one !== group && !one.ids.isDisjointFrom(group.ids));
      if (!other) continue;
      groups = groups.filter((one) => one !== group && one !== other);
      groups.push({ keys: [...group.keys, ...other.keys], ids: group.ids.union(other.ids) });
      break;
    }
  }
  return groups.map(({ keys }) => keys.sort().join()).sort();
}

/** mulberry32 */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function below(random: () => number, limit: number): number {
  return Math.floor(random() * limit);
}

function shuffled<T>(random: () => number, list: readonly T[]): T[] {
  return list
    .map((value) => ({ value, order: random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ value }) => value);
}
