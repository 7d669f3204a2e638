/**
 * Converts the fields of servers' answers to values that the database and the timeline can hold, and invalid ones to
 * null. Only this module validates them, so no code behind it has to.
 */
import { storableDate } from '../domain/storable-date.ts';

/** RFC 9051, 9: nz-number. */
const MAX_UINT32 = 0xffff_ffff;
/** RFC 7162, 3.1.1: a mod-sequence has 63 bits. */
const MAX_MODSEQ = 2n ** 63n - 1n;

/** Returns a UID or a UIDNEXT. */
export const uidOf = (value: number | undefined): number | null =>
  value !== undefined && Number.isInteger(value) && value >= 1 && value <= MAX_UINT32 ? value : null;

/** Returns a number of messages. */
export const countOf = (value: number | undefined): number | null =>
  value !== undefined && Number.isInteger(value) && value >= 0 && value <= MAX_UINT32 ? value : null;

/**
 * Returns a size in bytes, 0 if it is invalid. Literals are smaller than 4 GiB, the limit of a number (RFC 9051, 4.3).
 */
export const sizeOf = (value: number): number => countOf(value) ?? 0;

export const modseqOf = (value: bigint | undefined): bigint | null =>
  value !== undefined && value >= 1n && value <= MAX_MODSEQ ? value : null;

/** Returns the low 63 bits of a UIDVALIDITY, which suffice because it is only compared for equality. 0 is none. */
export const uidValidityOf = (value: bigint | undefined): bigint | null =>
  value === undefined ? null : BigInt.asUintN(63, value) || null;

/** Returns a date. imapflow returns a string for one that it cannot parse, and 1970-01-01T00:00:00Z for NIL. */
export const dateOf = (value: unknown): Date | null =>
  value instanceof Date && value.getTime() !== 0 ? storableDate(value) : null;

/** Returns an objectid (RFC 8474, 3). Gmail's numbers are valid ones. */
export const objectIdOf = (value: unknown): string | null =>
  typeof value === 'string' && /^[\w-]{1,255}$/.test(value) ? value : null;
