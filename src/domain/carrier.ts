import { crc32 } from 'node:zlib';
import type { MailAddress } from './imap-types.ts';

/**
 * Distinguishes copies of one letter from different letters with the same Message-ID. The bytes of copies differ: a
 * list appends a footer and tags the subject, or puts itself into From; a gateway marks spam; a sent copy has no
 * Received fields. But copies share at least two of sender, date and subject. A carrier consists of these three as
 * numbers of 21 bits, so that it fits one column. Two letters have one of the numbers in common by chance once in two
 * million. What a shared id has linked before stays linked: docs/decisions/0019-carriers-of-message-ids.md.
 */
const BITS = 21n;
const MASK = (1 << 21) - 1;

/** Replaces the carrier of a Message-ID that different letters have as their own. */
export const SHARED = -1n;

interface Letter {
  readonly from: readonly MailAddress[];
  readonly sentAt: Date | null;
  readonly subject: string | null;
}

export function carrierOf({ from, sentAt, subject }: Letter): bigint {
  const sender = from[0]?.address ?? from[0]?.name ?? '';
  // 0 stands for no date, which never matches. In whole seconds, as in the Date field.
  const date = sentAt === null ? 0 : numberOf(String(Math.floor(sentAt.getTime() / 1000))) || 1;
  return (
    (BigInt(numberOf(sender.toLowerCase())) << (2n * BITS)) |
    (BigInt(date) << BITS) |
    BigInt(numberOf(subject === null ? '' : baseSubject(subject)))
  );
}

/** Returns whether two messages with the same Message-ID are copies of one letter, by their carriers. */
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

/** Prefixes that lists, filters and mail programs add to a subject: `[list]`, `***SPAM***`, `Re:`. */
const PREFIXES = /^(?:\s|\[[^\]]{0,80}\]|\*{2,}[^*]{0,40}\*{2,}|[a-z]{2,4}(?:\[\d{1,3}\])?:)+/i;

const baseSubject = (subject: string): string => subject.slice(0, 500).replace(PREFIXES, '').trim().toLowerCase();
