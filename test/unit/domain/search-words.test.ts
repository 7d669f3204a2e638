import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { corpus } from '../../../lab/mail/corpus.ts';
import { searchedTerms, searchQuery, wordsIn } from '../../../src/domain/search-words.ts';
import { searchVector } from '../../../src/pg-formats/search-vector.ts';

const everyHan = Array.from({ length: 20_000 }, (_, i) => String.fromCodePoint(0x4e00 + ((i * 7919) % 20_000))).join(
  '',
);

const message = {
  subject: 'Lunch',
  from: [{ name: 'Ann Lee', address: 'ann.lee+news@mail.example.com' }],
  to: [{ name: null, address: 'bob@example.org' }],
  cc: [],
  bcc: [],
  attachments: [{ filename: 'menu_of-today.pdf' }, { filename: null }],
  text: 'Soup, or SOUP à la carte?',
};

/** Reads a binary tsvector as PostgreSQL does. */
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

describe('indexing a message', () => {
  test('covers subject, people, parts of addresses and file names, and body', () => {
    const words = wordsOf(searchVector(message)).map(([word]) => word);
    for (const word of ['lunch', 'ann', 'lee', 'news', 'example', 'bob', 'menu', 'today', 'soup', 'à', 'carte'])
      expect(words).toContain(word);
  });

  test('keeps the positions of words, for phrases', () => {
    expect(wordsOf(searchVector({ ...message, from: [], to: [], attachments: [] }))).toEqual([
      ['lunch', [1]],
      ['soup', [2, 4]],
      ['or', [3]],
      ['à', [5]],
      ['la', [6]],
      ['carte', [7]],
    ]);
  });

  test('an empty message has no words', () => {
    const nothing = { subject: null, from: [], to: [], cc: [], bcc: [], attachments: [], text: '' };
    expect(wordsOf(searchVector(nothing))).toEqual([]);
  });

  test('splits words as searches do', () => {
    const odd = 'ΟΔΥΣΣΕΥΣ Straße İstanbul naïve\u0308 \ud83d\ude00smile \ud800 𝒳𝓎 日本語abcกขค e\u0301a_b-c 42nd ﬁｶﾞ½';
    for (const text of [
      odd,
      `${'x'.repeat(63)}𠮷 ${'y'.repeat(70)}`,
      ...corpus()
        .take(400)
        .map(({ bytes }) => bytes.toString('latin1').slice(0, 60_000)),
    ]) {
      const expected = Map.groupBy(
        [...wordsIn(text)].map(({ word }, i) => [word, Math.min(i + 1, 16_383)] as const),
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

  test('splits scripts without spaces into pairs of characters', () => {
    const words = (text: string) => [...wordsIn(text)].map(({ word }) => word);
    expect(words('我在上海。海')).toEqual(['我在', '在上', '上海', '海', '海']);
    expect(words('iPhone手机2台')).toEqual(['iphone', '手机', '机', '2', '台']);
    expect(words('ｶﾞｷﾞ コーヒー')).toEqual(['ガギ', 'ギ', 'コー', 'ーヒ', 'ヒー', 'ー']);
    expect(words('สวัส')).toEqual(['สว', 'วั', 'ัส', 'ส']);
  });

  test('is independent of the Unicode form', () => {
    const words = (text: string) => [...wordsIn(text)].map(({ word }) => word);
    for (const text of ['café Ångström', 'ガギグ', '한국어 문장', 'ABC 123 ﬁne'])
      for (const form of ['NFC', 'NFD', 'NFKC', 'NFKD'] as const)
        expect(words(text.normalize(form)), form).toEqual(words(text));
    expect(words('ＡＢＣ １２')).toEqual(['abc', '12']);
  });

  test('reports where each word is written', () => {
    const text = 'Le cafe\u0301 ｶﾞｷﾞ est fermé';
    expect([...wordsIn(text)].map(({ start, end }) => text.slice(start, end))).toEqual([
      'Le',
      'cafe\u0301',
      'ｶﾞｷﾞ',
      'ｷﾞ',
      'est',
      'fermé',
    ]);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (any) => {
        for (const { word, start, end } of wordsIn(any)) {
          expect(end).toBeGreaterThan(start);
          expect(
            [...wordsIn(any.slice(start, end))].some(
              (found) => found.word.startsWith(word) || word.startsWith(found.word),
            ),
          ).toBe(true);
        }
      }),
    );
  });

  test('stays within the limits of a tsvector for any input', () => {
    for (const hostile of ['a_', 'é ', '字', '😀 ', "' : \\ ", 'ab1c2 ', `${'x'.repeat(65)} `, everyHan]) {
      const vector = searchVector({ ...message, text: hostile.repeat(Math.ceil(600_000 / hostile.length)) });
      expect(vector.length).toBeLessThan(1_000_000);
      for (const [word, positions] of wordsOf(vector)) {
        expect(word).toMatch(/^[\p{L}\p{N}\p{M}]{1,64}$/u);
        expect(positions.length).toBeLessThanOrEqual(255);
        expect(Math.max(...positions)).toBeLessThan(16_384);
      }
    }
  });
});

describe('searching', () => {
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
  ])('an incomplete last word matches its continuations: %s', (typed, query) => expect(searchQuery(typed)).toBe(query));

  test.each([
    // Stored by an earlier rule: the whole run, as written.
    ['上海 ', '((上海))'],
    ['海 ', '((海:* | 海))'],
    ['上海东 ', '((上海 <-> 海东 | 上海东))'],
    ['上海ab ', '((上海 <-> 海 <-> ab | 上海ab))'],
    ['-海 ', '(!(海:* | 海))'],
    ['cafe\u0301 ', '((café | cafe\u0301))'],
    ['ＡＢＣ ', '((abc | ａｂｃ))'],
    [`"soup ${'x'.repeat(70)}" `, `((soup <-> ${'x'.repeat(64)}))`],
  ])('uses the words of %s', (typed, query) => expect(searchQuery(typed)).toBe(query));

  test('any part of a text without spaces is a phrase of its pairs', () => {
    const word = fc.string({
      unit: fc.constantFrom('上', '海', '字', 'ก', 'า', 'か', 'ー', '𠮷'),
      minLength: 1,
      maxLength: 9,
    });
    fc.assert(
      fc.property(word, word, word, (before, typed, after) => {
        const [term] = searchedTerms(typed);
        const stored = [...wordsIn(before + typed + after)].map((found) => found.word);
        const isAt = (at: number) =>
          term!.words.every((one, i) =>
            term!.isOpen && i === term!.words.length - 1 ? stored[at + i]?.startsWith(one) : stored[at + i] === one,
          );
        expect(stored.some((_, at) => isAt(at))).toBe(true);
      }),
    );
  });

  test.each(['', ' ', '"', '--', '!&|<->', "'"])('text with no words, %j, searches for nothing', (typed) =>
    expect(searchQuery(typed)).toBeNull(),
  );
});
