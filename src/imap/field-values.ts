/**
 * What servers put into the fields of their answers, as the database and the timeline can hold it: null for what no
 * sense can be made of. The only place where such a value is judged, so nothing behind it has to.
 */
import { storableDate } from '../domain/storable-date.ts';

/** RFC 9051, 9: nz-number. */
const MAX_UINT32 = 0xffff_ffff;
/** RFC 7162, 3.1.1: a mod-sequence has 63 bits. */
const MAX_MODSEQ = 2n ** 63n - 1n;

/** A UID, or what is counted in UIDs. */
export const uidOf = (value: number | undefined): number | null =>
  value !== undefined && Number.isInteger(value) && value >= 1 && value <= MAX_UINT32 ? value : null;

/** How many messages there are. */
export const countOf = (value: number | undefined): number | null =>
  value !== undefined && Number.isInteger(value) && value >= 0 && value <= MAX_UINT32 ? value : null;

/** A size in bytes, 0 where it is not known: a literal as large as the 4 GiB of a number cannot be sent (RFC 9051, 4.3). */
export const sizeOf = (value: number): number => countOf(value) ?? 0;

export const modseqOf = (value: bigint | undefined): bigint | null =>
  value !== undefined && value >= 1n && value <= MAX_MODSEQ ? value : null;

/** Compared for equality only: of one that is too large the low bits tell two from each other as well. 0 is none. */
export const uidValidityOf = (value: bigint | undefined): bigint | null =>
  value === undefined ? null : BigInt.asUintN(63, value) || null;

/** imapflow returns a string for a date that it cannot read, and 1970-01-01T00:00:00Z for NIL. */
export const dateOf = (value: unknown): Date | null =>
  value instanceof Date && value.getTime() !== 0 ? storableDate(value) : null;

/** RFC 8474, 3: an objectid; Gmail's numbers are some too. */
export const objectIdOf = (value: unknown): string | null =>
  typeof value === 'string' && /^[\w-]{1,255}$/.test(value) ? value : null;
