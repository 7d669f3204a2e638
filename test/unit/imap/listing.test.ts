import { describe, expect, test } from 'vitest';
import type { RawLine } from '../../../src/imap/list-lines.ts';
import { Listing } from '../../../src/imap/listing.ts';

const line = (text: string, literals: readonly Buffer[] = []): RawLine => ({ text, literals });

/** A listing after reading `lines`. */
function read(lines: Iterable<RawLine>): Listing {
  const listing = new Listing((text) => text);
  for (const each of lines) listing.read(each);
  return listing;
}

function* repeat(times: number, make: (index: number) => RawLine): Generator<RawLine> {
  for (let index = 0; index < times; index++) yield make(index);
}

describe('a listing above the limits', () => {
  test('counts mailboxes above 50,000 as unread, and keeps the first ones', () => {
    const { lines, unread } = read(repeat(50_010, (i) => line(`* LIST () "/" box${i}`)));
    expect(lines.size).toBe(50_000);
    expect(lines.has('box49999')).toBe(true);
    expect(unread.count).toBe(10);
    expect(unread.samples[0]).toContain('more than 50000 mailboxes');
  });

  test('counts mailboxes as unread above 16 MiB of names', () => {
    const { lines, unread } = read(repeat(5000, (i) => line(`* LIST () "/" ${i}${'x'.repeat(4000)}`)));
    expect(lines.size).toBeLessThan(4300);
    expect(unread.count).toBe(5000 - lines.size);
  });

  test('does not keep the STATUS of endless names', () => {
    const { statuses } = read(repeat(60_000, (i) => line(`* STATUS box${i} (MESSAGES 1)`)));
    expect(statuses.size).toBe(50_000);
    const literal = Buffer.alloc(1024 * 1024, 'x');
    expect(read([line(`* STATUS {${literal.length}} (MESSAGES 1)`, [literal])]).statuses.size).toBe(0);
  });

  test('limits attributes, of one line and of many lines for one mailbox', () => {
    const many = (i: number) => Array.from({ length: 40 }, (_, n) => `\\x${i}-${n}`).join(' ');
    const { lines } = read(repeat(100_000, (i) => line(`* LIST (${many(i)}) "/" box`)));
    expect(lines.get('box')?.attributes.size).toBe(50);
    expect(read([line(`* LIST (${'\\a '.repeat(3000)}) "/" box`)]).lines.has('box')).toBe(true);
  });
});
