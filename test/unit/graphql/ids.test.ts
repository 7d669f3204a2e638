import { expect, test } from 'vitest';
import { newId } from '../../../src/domain/ids.ts';
import { decodeId, encodeId, requireId } from '../../../src/graphql/ids.ts';

test('an id decodes to its row, for its own type only', () => {
  const id = newId();
  expect(decodeId('Message', encodeId('Message', id))).toBe(id);
  expect(decodeId('Thread', encodeId('Message', id))).toBeNull();
});

test.each([
  '',
  'x',
  '!!!',
  newId(),
  Buffer.from('Message:1').toString('base64url'),
  Buffer.from('Message').toString('base64'),
])('an invalid id, %j, decodes to nothing', (malformed) => {
  expect(decodeId('Message', malformed)).toBeNull();
  expect(() => requireId('Message', malformed)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
});
