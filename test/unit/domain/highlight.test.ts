import { describe, expect, test } from 'vitest';
import { excerpt, marked } from '../../../src/domain/highlight.ts';
import { searchedTerms } from '../../../src/domain/search-words.ts';

/** Segments as one string, matches in brackets. */
const shown = (segments: readonly { text: string; isMatch: boolean }[]) =>
  segments.map(({ text, isMatch }) => (isMatch ? `[${text}]` : text)).join('');
const mark = (text: string, search: string) => shown(marked(text, searchedTerms(search)));

describe('marked', () => {
  test.each([
    ['Soup of the day', 'soup ', '[Soup] of the day'],
    ['Soup of the day', 'da', 'Soup of the [day]'],
    ['Soup of the day', 'da ', 'Soup of the day'],
    ['ann.lee@example.com', 'ann.lee@exa', '[ann.lee@example].com'],
    ['the tide, the high tide', '"high tide"', 'the tide, the [high tide]'],
    ['soup or salad', 'soup or salad', '[soup] or [salad]'],
    ['soup, no salad', 'soup -salad', '[soup], no salad'],
    ['Straße ΟΔΥΣΣΕΥΣ', 'ΟΔΥΣΣΕΥΣ ', 'Straße [ΟΔΥΣΣΕΥΣ]'],
    ['<b>soup</b>', 'soup', '<b>[soup]</b>'],
    ['我在上海东边。', '上海', '我在[上海]东边。'],
    ['我在上海东边。', '"上海东边"', '我在[上海东边]。'],
    ['Le cafe\u0301 ferme\u0301', 'café ', 'Le [cafe\u0301] ferme\u0301'],
    ['ＡＢＣ ｶﾞｷﾞ', 'ガギ', 'ＡＢＣ [ｶﾞｷﾞ]'],
    ['nothing', '', 'nothing'],
    ['', 'soup', ''],
  ])('%j, %j', (text, search, expected) => expect(mark(text, search)).toBe(expected));

  test('the segments together are the text', () => {
    const text = 'a soup, a Soup and a soupspoon';
    const segments = marked(text, searchedTerms('soup'));
    expect(segments.map((one) => one.text).join('')).toBe(text);
    expect(segments.filter((one) => one.isMatch).map((one) => one.text)).toEqual(['soup', 'Soup', 'soupspoon']);
  });
});

describe('excerpt', () => {
  const text = `${'before '.repeat(300)}the\n\n  tide comes ${'after '.repeat(300)}`;

  test('begins shortly before the first match, and is short', () => {
    const segments = excerpt(text, searchedTerms('tide '))!;
    expect(shown(segments)).toMatch(/^… (before ){4,6}the \[tide\] comes after /);
    expect(shown(segments).length).toBeLessThan(220);
  });

  test('is the beginning of the text if the match is near it', () =>
    expect(shown(excerpt('the tide comes', searchedTerms('tide '))!)).toBe('the [tide] comes'));

  test('is null without a match', () => expect(excerpt(text, searchedTerms('moon'))).toBeNull());

  test('splits no character', () => {
    const smileys = `tide ${'😀'.repeat(300)}`;
    expect(shown(excerpt(smileys, searchedTerms('tide '))!).isWellFormed()).toBe(true);
  });
});
