import { expect, test } from 'vitest';
import { isolated, unturned } from '../../../src/ui/parts/bidi.ts';

test('the marks that turn a file name are seen, so that it cannot end in another way than it seems to', () => {
  expect(unturned('invoice\u202Efdp.exe')).toBe('invoice\uFFFDfdp.exe');
  expect(unturned('\u2066a\u2069.txt')).toBe('\uFFFDa\uFFFD.txt');
  expect(unturned('חשבון.pdf')).toBe('חשבון.pdf');
});

test('what may go from right to left is isolated, and cannot end that itself', () => {
  expect(isolated('Archive/2026')).toBe('Archive/2026');
  expect(isolated('العمل')).toBe('\u2068العمل\u2069');
  expect(isolated('a\u2069\u202Eb')).toBe('\u2068ab\u2069');
});
