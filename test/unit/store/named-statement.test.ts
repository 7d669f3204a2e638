import { expect, test } from 'vitest';
import { namedStatement } from '../../../src/store/plumbing/named-statement.ts';

test('names in a statement become numbers in the order of their first use', () => {
  const statement = namedStatement('SELECT @b::int + @a, @b');
  expect(statement.text).toBe('SELECT $1::int + $2, $1');
  expect(statement.values({ a: 1, b: 2 })).toEqual([2, 1]);
});

test('operators with @ are no names', () => {
  const sql = "SELECT search @@ 'a'::tsquery, tags @> '{a}', '{a}' <@tags, 'ann@example.com'";
  expect(namedStatement(sql).text).toBe(sql);
});

test('a name without a value and a value without a name are refused', () => {
  const statement = namedStatement('SELECT @a');
  expect(() => statement.values({})).toThrow('a');
  expect(() => statement.values({ a: 1, b: 2 })).toThrow('b');
  expect(statement.values({ a: undefined })).toEqual([undefined]);
});
