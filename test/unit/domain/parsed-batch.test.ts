import { expect, test } from 'vitest';
import { type BatchMessage, type MessageColumns, ParsedBatch } from '../../../src/domain/parsed-batch.ts';

const columns = {} as MessageColumns;
const packs = { texts: new Uint8Array(), sources: new Uint8Array() };

/** A batch with one message in each of these packs. */
function batchOf(...packOf: number[]): ParsedBatch {
  const messages = packOf.map((pack, index): BatchMessage => {
    const place = { pack, textAt: 0, textSize: 0, htmlSize: null, sourceAt: 0 };
    const links = { own: null, carrier: 0n, references: [] };
    return { index, sha256: `${index}`, size: 1, sentAt: null, place, links, attachments: [], isHeaderOnly: false };
  });
  return new ParsedBatch({ messages, columns, packs });
}

test('a column made from some messages has null for the others', () => {
  const batch = batchOf(0, 0, 0);
  const column = batch.columnsFrom([
    { uid: 9, message: batch.at(2) },
    { uid: 7, message: batch.at(0) },
  ]);
  expect(column(({ uid }) => uid)).toEqual([7, null, 9]);
});

test('packIds gives an id to each pack that contains one of the messages', () => {
  const batch = batchOf(0, 1, 1, 2);
  const ids = ['a', 'b'];
  const items = [1, 2, 3].map((index) => ({ message: batch.at(index) }));
  expect(batch.packIds(items, () => ids.shift()!)).toEqual([null, 'a', 'b']);
});

test('at, index outside the batch, throws', () => {
  expect(() => batchOf(0).at(1)).toThrow(RangeError);
});
