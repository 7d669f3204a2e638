import { expect, test } from 'vitest';
import { splitSet } from '../../../src/domain/uid-set.ts';

test.each([
  ['1:16', 8, ['1:2', '3:4', '5:6', '7:8', '9:10', '11:12', '13:14', '15:16']],
  ['1:5,9,20:24', 4, ['1:3', '4:5,9', '20:22', '23:24']],
  ['1:3', 8, ['1', '2', '3']],
  ['7', 8, ['7']],
  ['1:*', 8, []],
  ['1:4294967295', 2, ['1:2147483648', '2147483649:4294967295']],
])('splitSet, %s into %i, keeps each UID and their order', (set, parts, expected) => {
  expect(splitSet(set, parts)).toEqual(expected);
});
