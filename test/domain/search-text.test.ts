import { expect, test } from 'vitest';
import { searchable, searchText } from '../../src/domain/search-text.ts';

const message = {
  subject: 'Lunch',
  from: [{ name: 'Ann Lee', address: 'ann.lee+news@mail.example.com' }],
  to: [{ name: null, address: 'bob@example.org' }],
  cc: [],
  bcc: [],
  attachments: [{ filename: 'menu_of-today.pdf' }, { filename: null }],
  text: 'Soup or salad?',
};

test('finds a message by subject, people, parts of addresses and file names, and body', () => {
  const words = searchText(message).split(/\s+/);
  for (const word of [
    'Lunch',
    'Ann',
    'ann.lee+news@mail.example.com',
    'lee',
    'news',
    'example',
    'bob',
    'menu',
    'salad?',
  ])
    expect(words).toContain(word);
});

test('a message without anything has no text', () => {
  expect(searchText({ subject: null, from: [], to: [], cc: [], bcc: [], attachments: [], text: '' })).toBe('');
});

test('is cut at 200,000 bytes, between characters', () => {
  for (const character of ['a ', 'é ', '字 ', '😀 ']) {
    const text = searchText({ ...message, text: character.repeat(300_000) });
    const bytes = Buffer.byteLength(text);
    expect(bytes).toBeLessThanOrEqual(200_000);
    expect(bytes).toBeGreaterThan(199_990);
    expect(text.isWellFormed()).toBe(true);
  }
});

test('leaves nothing for the parser of PostgreSQL to look ahead at', () => {
  for (const hostile of ['a_', '<!--', '<a ', '~/', 'a-', '😀_']) {
    const text = searchable(hostile.repeat(20_000));
    expect(text).not.toContain('<');
    expect(text.isWellFormed()).toBe(true);
    expect(Math.max(...text.split(/[ \n]/).map((run) => [...run].length))).toBeLessThanOrEqual(64);
  }
});
