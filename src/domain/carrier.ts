import { crc32 } from 'node:zlib';
import type { MailAddress } from './imap-types.ts';

/**
 * How copies of one letter are told from different letters under one Message-ID. Copies differ in their bytes: a list
 * appends a footer and tags the subject, or writes itself into From; a gateway marks spam; what was sent has no
 * Received fields. But of sender, date and subject they share at least two. A carrier is the three as numbers of 21
 * bits, so that one column holds it. By chance two letters agree in one of them once in two million.
 */
const BITS = 21n;
const MASK = (1 << 21) - 1;

/** In place of a carrier: different letters have the Message-ID as their own. */
export const SHARED = -1n;

interface Letter {
  readonly from: readonly MailAddress[];
  readonly sentAt: Date | null;
  readonly subject: string | null;
}

export function carrierOf({ from, sentAt, subject }: Letter): bigint {
  const sender = from[0]?.address ?? from[0]?.name ?? '';
  // No date is nobody's date; in whole seconds, as it is written.
  const date = sentAt === null ? 0 : numberOf(String(Math.floor(sentAt.getTime() / 1000))) || 1;
  return (
    (BigInt(numberOf(sender.toLowerCase())) << (2n * BITS)) |
    (BigInt(date) << BITS) |
    BigInt(numberOf(subject === null ? '' : baseSubject(subject)))
  );
}

/** Whether two messages with one Message-ID are copies of one letter, by their carriers. */
export function isSameLetter(one: bigint, other: bigint): boolean {
  const [a, b] = [fieldsOf(one), fieldsOf(other)];
  const isSameDate = a.date === b.date && a.date !== 0;
  return Number(a.sender === b.sender) + Number(isSameDate) + Number(a.subject === b.subject) >= 2;
}

const fieldsOf = (carrier: bigint) => ({
  sender: Number(carrier >> (2n * BITS)),
  date: Number(carrier >> BITS) & MASK,
  subject: Number(carrier & BigInt(MASK)),
});

const numberOf = (text: string): number => crc32(text) & MASK;

/** What lists, filters and mail programs put in front of a subject: `[list]`, `***SPAM***`, `Re:`. */
const PREFIXES = /^(?:\s|\[[^\]]{0,80}\]|\*{2,}[^*]{0,40}\*{2,}|[a-z]{2,4}(?:\[\d{1,3}\])?:)+/i;

const baseSubject = (subject: string): string => subject.slice(0, 500).replace(PREFIXES, '').trim().toLowerCase();
