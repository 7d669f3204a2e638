import { describe, expect, test } from 'vitest';
import { searchQuery, searchVector } from '../../src/domain/search-words.ts';

const message = {
  subject: 'Lunch',
  from: [{ name: 'Ann Lee', address: 'ann.lee+news@mail.example.com' }],
  to: [{ name: null, address: 'bob@example.org' }],
  cc: [],
  bcc: [],
  attachments: [{ filename: 'menu_of-today.pdf' }, { filename: null }],
  text: 'Soup, or SOUP à la carte?',
};

describe('a message is indexed', () => {
  test('by subject, people, parts of addresses and file names, and body', () => {
    const words = searchVector(message)
      .trim()
      .split(' ')
      .map((word) => word.split(':')[0]);
    for (const word of ['lunch', 'ann', 'lee', 'news', 'example', 'bob', 'menu', 'today', 'soup', 'à', 'carte'])
      expect(words).toContain(word);
  });

  test('with the positions of its words, for phrases', () => {
    expect(searchVector({ ...message, from: [], to: [], attachments: [] })).toBe(
      'lunch:1 soup:2,4 or:3 à:5 la:6 carte:7 ',
    );
  });

  test('not at all when there is nothing', () => {
    expect(searchVector({ subject: null, from: [], to: [], cc: [], bcc: [], attachments: [], text: '' })).toBe('');
  });

  test('within what a tsvector can hold, whatever is in it', () => {
    for (const hostile of ['a_', 'é ', '字', '😀 ', "' : \\ ", 'ab1c2 ', `${'x'.repeat(64)} `]) {
      const vector = searchVector({ ...message, text: hostile.repeat(300_000) });
      expect(vector.length).toBeLessThan(1_000_000);
      expect(vector).toMatch(/^(?:[\p{L}\p{N}\p{M}]+:[\d,]+ )*$/u);
    }
  });
});

describe('a search', () => {
  test.each([
    ['soup salad', '((soup) & (salad))'],
    ['"à la carte"', '((à <-> la <-> carte))'],
    ['soup or salad', '((soup)) | ((salad))'],
    ['soup -salad', '((soup) & !(salad))'],
    ['ann.lee@example.com', '((ann <-> lee <-> example <-> com))'],
    ['"never closed', '((never <-> closed))'],
  ])('%s', (typed, query) => expect(searchQuery(typed)).toBe(query));

  test.each(['', ' ', '"', '--', '!&|<->', "'"])('without a word, %j, asks for nothing', (typed) =>
    expect(searchQuery(typed)).toBeNull(),
  );
});
