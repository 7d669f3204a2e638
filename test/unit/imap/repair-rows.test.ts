import { expect, test } from 'vitest';
import { repairedRow } from '../../../src/imap/repair-rows.ts';

const repaired = (row: string): string | null => repairedRow(Buffer.from(row, 'latin1'))?.toString('latin1') ?? null;

test.each([
  ['UID 2 FLAGS (\\Seen 50%) RFC822.SIZE 5)', 'UID 2 RFC822.SIZE 5 FLAGS (\\Seen "50%")'],
  ['FLAGS (a(b) c"d\\) MODSEQ (9) UID 2)', 'MODSEQ (9) UID 2 FLAGS ("a(b)" "c\\"d\\\\")'],
  ['UID 2 FLAGS (\\Seen ]x)))', 'UID 2 FLAGS (\\Seen "]x")'],
  ['UID 2 FLAGS (\\Seen torn', 'UID 2 FLAGS (\\Seen "torn")'],
  ['UID 2 FLAGS (%) BODY[] {3}\r\n)', 'UID 2 BODY[] {3}\r\n FLAGS ("%")'],
  ['UID 2 INTERNALDATE "1"2" RFC822.SIZE 5)', 'UID 2 RFC822.SIZE 5'],
])('repairedRow, %j, keeps the readable fields', (items, kept) => {
  expect(repaired(`* 7 FETCH (${items}`)).toBe(`* 7 FETCH (${kept.trim()})`);
});

test.each([
  ['another response', '* LIST (% "/" x'],
  ['no UID', '* 1 FETCH (FLAGS (%))'],
  ['two UIDs', '* 1 FETCH (UID 1 UID 2 FLAGS (%))'],
  ['a literal of something unknown', '* 1 FETCH (UID 1 X {3}\r\n BODY[] {3}\r\n FLAGS (%))'],
  ['a line of more than 16 kB', `* 1 FETCH (UID 1 FLAGS (%${'x'.repeat(16 * 1024)}))`],
])('repairedRow, %s, is null', (_what, row) => {
  expect(repaired(row)).toBeNull();
});
