import { describe, expect, test } from 'vitest';
import { searchVector } from '../../src/domain/search-vector.ts';
import { searchQuery } from '../../src/domain/search-words.ts';
import { corpus } from '../support/corpus.ts';

const message = {
  subject: 'Lunch',
  from: [{ name: 'Ann Lee', address: 'ann.lee+news@mail.example.com' }],
  to: [{ name: null, address: 'bob@example.org' }],
  cc: [],
  bcc: [],
  attachments: [{ filename: 'menu_of-today.pdf' }, { filename: null }],
  text: 'Soup, or SOUP à la carte?',
};

/** As PostgreSQL reads a binary tsvector. */
function wordsOf(bytes: Uint8Array): [word: string, positions: number[]][] {
  const vector = Buffer.from(bytes);
  let at = 4;
  const words = Array.from({ length: vector.readInt32BE(0) }, (): [string, number[]] => {
    const end = vector.indexOf(0, at);
    const word = vector.toString('utf8', at, end);
    const count = vector.readUInt16BE(end + 1);
    at = end + 3 + count * 2;
    return [word, Array.from({ length: count }, (_, i) => vector.readUInt16BE(end + 3 + i * 2))];
  });
  expect(at).toBe(vector.length);
  return words;
}

describe('a message is indexed', () => {
  test('by subject, people, parts of addresses and file names, and body', () => {
    const words = wordsOf(searchVector(message)).map(([word]) => word);
    for (const word of ['lunch', 'ann', 'lee', 'news', 'example', 'bob', 'menu', 'today', 'soup', 'à', 'carte'])
      expect(words).toContain(word);
  });

  test('with the positions of its words, for phrases', () => {
    expect(wordsOf(searchVector({ ...message, from: [], to: [], attachments: [] }))).toEqual([
      ['lunch', [1]],
      ['soup', [2, 4]],
      ['or', [3]],
      ['à', [5]],
      ['la', [6]],
      ['carte', [7]],
    ]);
  });

  test('not at all when there is nothing', () => {
    const nothing = { subject: null, from: [], to: [], cc: [], bcc: [], attachments: [], text: '' };
    expect(wordsOf(searchVector(nothing))).toEqual([]);
  });

  test('by the same rule as searches, word for word', () => {
    const odd = 'ΟΔΥΣΣΕΥΣ Straße İstanbul naïve\u0308 \ud83d\ude00smile \ud800 𝒳𝓎 日本語 e\u0301a_b-c 42nd';
    for (const text of [
      odd,
      ...corpus()
        .take(400)
        .map(({ bytes }) => bytes.toString('latin1').slice(0, 60_000)),
    ]) {
      const expected = Map.groupBy(
        (text.toLowerCase().match(/[\p{L}\p{N}\p{M}]+/gu) ?? [])
          .filter((word) => word.length <= 64)
          .map((word, i) => [word, Math.min(i + 1, 16_383)] as const),
        ([word]) => word,
      );
      const positions = [...expected].map(([word, places]) => [
        word,
        [...new Set(places.map(([, at]) => at))].slice(0, 255),
      ]);
      expect(wordsOf(searchVector({ ...message, subject: null, from: [], to: [], attachments: [], text }))).toEqual(
        positions,
      );
    }
  });

  test('within what a tsvector can hold, whatever is in it', () => {
    for (const hostile of ['a_', 'é ', '字', '😀 ', "' : \\ ", 'ab1c2 ', `${'x'.repeat(64)} `]) {
      const vector = searchVector({ ...message, text: hostile.repeat(300_000) });
      expect(vector.length).toBeLessThan(1_000_000);
      for (const [word, positions] of wordsOf(vector)) {
        expect(word).toMatch(/^[\p{L}\p{N}\p{M}]{1,64}$/u);
        expect(positions.length).toBeLessThanOrEqual(255);
        expect(Math.max(...positions)).toBeLessThan(16_384);
      }
    }
  });
});

describe('a search', () => {
  test.each([
    ['soup salad ', '((soup) & (salad))'],
    ['"à la carte"', '((à <-> la <-> carte))'],
    ['soup or salad ', '((soup)) | ((salad))'],
    ['soup -salad', '((soup) & !(salad))'],
    ['ann.lee@example.com ', '((ann <-> lee <-> example <-> com))'],
  ])('%s', (typed, query) => expect(searchQuery(typed)).toBe(query));

  test.each([
    ['soup sal', '((soup) & (sal:*))'],
    ['ann.lee@exam', '((ann <-> lee <-> exam:*))'],
    ['"never clos', '((never <-> clos:*))'],
    ['soup!', '((soup))'],
  ])('that ends within a word finds what begins so: %s', (typed, query) => expect(searchQuery(typed)).toBe(query));

  test.each(['', ' ', '"', '--', '!&|<->', "'"])('without a word, %j, asks for nothing', (typed) =>
    expect(searchQuery(typed)).toBeNull(),
  );
});
