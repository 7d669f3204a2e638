import { describe, expect, test } from 'vitest';
import { mergeRows } from '../../../src/ui/messages/merge-rows.ts';

/** Rows by name: "a9" was received at 9. Newest first. A thread is a prefix: "t:a9" has a9 as its newest message. */
const row = (of: string) => {
  const name = of.split(':').at(-1)!;
  return { ...named(name), key: of.split(':')[0]! };
};
const named = (name: string) => ({
  cursor: `c-${name}`,
  node: { id: name, receivedAt: `2026-01-01T00:00:0${name.at(-1)}Z` },
});
const rows = (names: string) => names.split(' ').filter(Boolean).map(row);
const page = (names: string, hasNextPage = true) => ({ edges: rows(names), hasNextPage });
const merged = (shown: string, after: string | null, fresh: ReturnType<typeof page>) => {
  const { rows: list, isJoined } = mergeRows(rows(shown), after && `c-${after}`, fresh);
  return [list.map(({ node }) => node.id).join(' '), isJoined];
};

describe('mergeRows, a reloaded page replaces its part of the list', () => {
  test.each([
    ['as it was', 'a9 b8 c7 d6', null, page('a9 b8'), 'a9 b8 c7 d6', true],
    ['new at the top', 'a9 b8 c7', null, page('y9 z9 a9'), 'y9 z9 a9 b8 c7', true],
    ['new in the middle', 'a9 b8 c5', 'a9', page('b8 x7'), 'a9 b8 x7 c5', true],
    ['gone', 'a9 b8 c7 d6', null, page('a9 c7'), 'a9 c7 d6', true],
    ['gone at the end of the page', 'a9 b8 c7 d6', null, page('a9 d6'), 'a9 d6', true],
    ['of one time', 'a9 b9 c9 d9', null, page('x9 a9 b9'), 'x9 a9 b9 c9 d9', true],
    ['all that there is', 'a9 b8 c7', null, page('x9 b8', false), 'x9 b8', true],
    ['nothing left', 'a9', null, page('', false), '', true],
    ['the first', '', null, page('a9 b8'), 'a9 b8', true],
    ['the rest', 'a9 b8', 'b8', page('c7', false), 'a9 b8 c7', true],
  ])('%s', (_what, shown, after, fresh, expected, isJoined) =>
    expect(merged(shown, after, fresh)).toEqual([expected, isJoined]),
  );

  test.each([
    ['has a new message', 'a9 b8 t:c7 d6', null, page('t:z9 a9'), 'z9 a9 b8 d6', true],
    ['has a new message, far down', 'a9 t:b8 c7', null, page('t:z9 a9 b8'), 'z9 a9 b8 c7', true],
    ['has lost its newest message', 't:a9 b8 c7 d6', 'b8', page('c7 t:x6 d6'), 'b8 c7 x6 d6', true],
  ])('mergeRows, a thread that %s, is listed once', (_what, shown, after, fresh, expected, isJoined) =>
    expect(merged(shown, after, fresh)).toEqual([expected, isJoined]),
  );

  test('so many new rows that some may be missing behind them', () => {
    expect(merged('a5 b4', null, page('x9 y8'))).toEqual(['x9 y8 a5 b4', false]);
    expect(merged('x9 y8 a5 b4', 'y8', page('z7 a5'))).toEqual(['x9 y8 z7 a5 b4', true]);
  });
});
