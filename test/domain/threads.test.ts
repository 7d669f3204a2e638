import { expect, test } from 'vitest';
import { assignThreads, type MessageLinks, referenceKey, referenceKeys } from '../../src/domain/threads.ts';

type Mail = MessageLinks & { key: string };
const withKeys = (message: Mail) => ({ key: message.key, references: referenceKeys(message) });
const mail = (key: string, messageIdHeader: string | null, ...references: string[]): Mail => ({
  key,
  messageIdHeader,
  references,
});

/** An account's threads as the database keeps them, between batches. */
class Account {
  readonly refs = new Map<bigint, string>();
  readonly threads = new Set<string>();
  readonly messages = new Map<string, string>();
  #next = 0;

  add(batch: readonly Mail[]): void {
    const keys = new Set(batch.flatMap(referenceKeys));
    const known = new Map([...this.refs].filter(([ref]) => keys.has(ref)));
    const result = assignThreads(batch.map(withKeys), known, () => `t${String(this.#next++).padStart(6, '0')}`);
    for (const thread of result.newThreads) this.threads.add(thread);
    for (const [key, thread] of result.threadOf) this.messages.set(key, thread);
    for (const [ref, thread] of result.newReferences) {
      if (this.refs.has(ref)) throw new Error('a reference that is known is not new');
      this.refs.set(ref, thread);
    }
    for (const [from, into] of result.merges) {
      for (const map of [this.refs, this.messages] as Map<unknown, string>[])
        for (const [key, thread] of map) if (thread === from) map.set(key, into);
      if (!this.threads.delete(from)) throw new Error('a thread that does not exist cannot be merged');
    }
    for (const thread of [...this.messages.values(), ...this.refs.values()])
      if (!this.threads.has(thread)) throw new Error('nothing may be left in a thread that does not exist');
  }

  partition(): string[] {
    const members = Map.groupBy(this.messages.keys(), (key) => this.messages.get(key)!);
    return [...members.values()].map((keys) => keys.sort().join()).sort();
  }
}

test('a reference key is the first 64 bits of SHA-256, signed', () => {
  expect(referenceKey('<a@example.com>')).toBe(BigInt.asIntN(64, 0x388aa267e2b92c85n));
  expect(referenceKeys(mail('x', '<a>', '<b>', '<a>', '<b>'))).toEqual([referenceKey('<a>'), referenceKey('<b>')]);
});

test('a reply that came before its parent shares its thread', () => {
  const account = new Account();
  account.add([mail('reply', '<2>', '<1>')]);
  account.add([mail('parent', '<1>')]);
  expect(account.partition()).toEqual(['parent,reply']);
});

test('siblings of a parent that never came share a thread', () => {
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

test('messages without any id stay alone', () => {
  const account = new Account();
  account.add([mail('a', null), mail('b', null)]);
  expect(account.partition()).toEqual(['a', 'b']);
});

test('the same messages always get the same answer', () => {
  const assign = () => {
    let next = 0;
    return assignThreads(
      forest(seeded(7), 50).map(withKeys),
      new Map([[referenceKey('<3>'), 'known']]),
      () => `n${next++}`,
    );
  };
  expect(assign()).toEqual(assign());
});

test('any order of arrival, in batches of any size, gives the same partition', () => {
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
function forest(random: () => number, size: number): Mail[] {
  return Array.from({ length: size }, (_, i) => {
    const id = below(random, 10) === 0 ? null : `<${below(random, 8) === 0 ? below(random, size) : i}>`;
    const references = Array.from({ length: below(random, 3) }, () => `<${below(random, size * 2)}>`);
    return mail(`m${i}`, id, ...(below(random, 2) ? references : []));
  });
}

/** The truth the slow way: join whatever shares an id until nothing changes. */
function connected(mails: readonly Mail[]): string[] {
  let groups = mails.map((one) => ({
    keys: [one.key],
    ids: new Set([one.messageIdHeader ?? [], one.references].flat()),
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
