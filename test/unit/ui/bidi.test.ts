import { expect, test } from 'vitest';
import { isolated, unturned } from '../../../src/ui/parts/bidi.ts';

test('unturned, bidi marks in a file name, makes them visible', () => {
  expect(unturned('invoice\u202Efdp.exe')).toBe('invoice\uFFFDfdp.exe');
  expect(unturned('\u2066a\u2069.txt')).toBe('\uFFFDa\uFFFD.txt');
  expect(unturned('חשבון.pdf')).toBe('חשבון.pdf');
});

test('isolated, right-to-left text, isolates it without its own marks', () => {
  expect(isolated('Archive/2026')).toBe('Archive/2026');
  expect(isolated('العمل')).toBe('\u2068العمل\u2069');
  expect(isolated('a\u2069\u202Eb')).toBe('\u2068ab\u2069');
});
