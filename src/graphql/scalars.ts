import { storableDate } from '../domain/storable-date.ts';
import { MailtideError } from '../errors.ts';
import { builder } from './builder.ts';

builder.scalarType('DateTime', {
  description: 'A point in time in UTC, for example `2026-11-23T09:30:00.000Z`.',
  serialize: (date) => date.toISOString(),
  parseValue(value) {
    const date = storableDate(new Date(typeof value === 'string' ? value : Number.NaN));
    if (date === null) throw invalid('a DateTime such as "2026-11-23T09:30:00.000Z"');
    return date;
  },
});

builder.scalarType('BigInt', {
  description: 'A 64-bit integer, always returned as a string of digits, because JavaScript rounds numbers above 2^53.',
  serialize: (number) => number.toString(),
  parseValue(value) {
    if (typeof value === 'string' && /^-?\d{1,19}$/.test(value) && isInt64(BigInt(value))) return BigInt(value);
    if (Number.isSafeInteger(value)) return BigInt(value as number);
    throw invalid('an integer as a string of digits');
  },
});

builder.scalarType('JSON', {
  description: 'Any JSON value.',
  serialize: (value) => value,
});

const isInt64 = (number: bigint): boolean => BigInt.asIntN(64, number) === number;

const invalid = (wanted: string): MailtideError =>
  new MailtideError('BAD_USER_INPUT', { message: `Expected ${wanted}.` });
