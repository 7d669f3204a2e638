const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** The named zones of RFC 5322, 4.3. Any other name gives no offset and counts as UTC. */
const ZONE_HOURS: Readonly<Record<string, number>> = {
  EST: -5,
  EDT: -4,
  CST: -6,
  CDT: -5,
  MST: -7,
  MDT: -6,
  PST: -8,
  PDT: -7,
};

const MONTH = `(${MONTHS.join('|')})[a-z]*`;
const DAY = '(?<!\\d)(\\d{1,2})(?:st|nd|rd|th)?(?!\\d)';
/** A year, and not the hour of a time. */
const YEAR = '(?<!\\d)(\\d{2,4})(?!\\d|:|\\.\\d)';
const TIME = '\\d{1,2}[:.]\\d{2}.*?';
/** A year at the end, as in `ctime`. */
const LAST_YEAR = '(?<![\\d+-])(\\d{4})(?![\\d:])';

const DAY_MONTH_YEAR = new RegExp(`${DAY}[ ./-]*${MONTH}[ .,/-]*${YEAR}`, 'i');
const MONTH_DAY_YEAR = new RegExp(`${MONTH}[ ./-]*${DAY}[ .,/-]+${YEAR}`, 'i');
const DAY_MONTH_TIME_YEAR = new RegExp(`${DAY}[ ./-]*${MONTH}[ .,]+(${TIME}) ${LAST_YEAR}`, 'i');
const MONTH_DAY_TIME_YEAR = new RegExp(`${MONTH}[ ./-]*${DAY}[ .,]+(${TIME}) ${LAST_YEAR}`, 'i');
const YEAR_MONTH_DAY = /(?<![\d:.])(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?!\d)T?/i;
const NUMBERS = /(?<![\d:.])(\d{1,2})([-/. ])(\d{1,2})\2(\d{4})(?![\d:])/;

/** Hour, minute, second, and the zone after them. "GMT+1" is one hour ahead of UTC, unlike in POSIX. */
const TIME_AND_ZONE =
  /(?<!\d)(\d{1,2})([:.])(\d{2})(?:\2(\d{2}))?(?:[.,]\d+)?\s*(?:\(?(?:gmt|utc?))?\s*([+-](?:\d{2}:?\d{2}|\d{1,2})(?!\d)|[a-z]+)?/i;
const HALF_OF_DAY = /(?<![a-z])([ap])\.?\s?m(?:\.|(?![a-z]))/i;

/** Longest value that is searched for a date, in characters. */
const MAX_LENGTH = 200;

/**
 * Returns the time of a Date header, or null if it is not in the years 1 to 9999. Supports RFC 5322, ISO 8601, `ctime`,
 * and other orders with the month by name. A month as a number counts if only one order is possible, or matches the day
 * of the week.
 *
 * Refused: `Date.parse`, which reads a time without a zone in the machine's own zone. The same message must have the
 * same date everywhere.
 */
export function sentDate(header: string): Date | null {
  const written = header.slice(0, MAX_LENGTH).replace(/\s+/g, ' ');
  const day = dayOf(written);
  if (!day) return null;
  const minute = timeOf(day.rest);
  if (minute === null) return null;
  const date = new Date(dayStart(day) + minute);
  const year = date.getUTCFullYear();
  return year >= 1 && year <= 9999 ? date : null;
}

interface Day {
  readonly year: number;
  /** From 0. */
  readonly month: number;
  readonly day: number;
}

/** A day, and the rest of the value. */
type WrittenDay = Day & { readonly rest: string };

function dayOf(written: string): WrittenDay | null {
  const found = namedMonth(written) ?? numericMonth(written);
  return found && found.month >= 0 && found.month < 12 && found.day >= 1 && found.day <= 31 ? found : null;
}

function namedMonth(written: string): WrittenDay | null {
  const named = (day: string, month: string, year: string, rest: string): WrittenDay => ({
    year: fullYear(year),
    month: MONTHS.indexOf(month.toLowerCase()),
    day: Number(day),
    rest,
  });
  let match = DAY_MONTH_YEAR.exec(written);
  if (match) return named(match[1]!, match[2]!, match[3]!, beside(written, match));
  match = MONTH_DAY_YEAR.exec(written);
  if (match) return named(match[2]!, match[1]!, match[3]!, beside(written, match));
  match = DAY_MONTH_TIME_YEAR.exec(written);
  if (match) return named(match[1]!, match[2]!, match[4]!, match[3]! + behind(written, match));
  match = MONTH_DAY_TIME_YEAR.exec(written);
  return match && named(match[2]!, match[1]!, match[4]!, match[3]! + behind(written, match));
}

function numericMonth(written: string): WrittenDay | null {
  const iso = YEAR_MONTH_DAY.exec(written);
  if (iso) {
    const [, year, , month, day] = iso;
    return { year: Number(year), month: Number(month) - 1, day: Number(day), rest: beside(written, iso) };
  }
  const numbers = NUMBERS.exec(written);
  if (!numbers) return null;
  const [first, second, year] = [Number(numbers[1]), Number(numbers[3]), Number(numbers[4])];
  const readings = [
    { year, month: second - 1, day: first },
    { year, month: first - 1, day: second },
  ].filter(({ month }) => month < 12);
  const fitting = readings.length === 1 || first === second ? readings : readings.filter((day) => isOn(day, written));
  const [reading] = fitting;
  if (!reading || (fitting.length > 1 && first !== second)) return null;
  return { ...reading, rest: beside(written, numbers) };
}

/** Returns whether a day is on the written day of the week. */
function isOn(day: Day, written: string): boolean {
  const weekday = WEEKDAYS[new Date(dayStart(day)).getUTCDay()]!;
  return new RegExp(`(?<![a-z])${weekday}`, 'i').test(written);
}

const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

const beside = (written: string, match: RegExpExecArray): string =>
  `${written.slice(0, match.index)} ${behind(written, match)}`;

const behind = (written: string, match: RegExpExecArray): string => written.slice(match.index + match[0].length);

/** Milliseconds since 1970. */
function dayStart({ year, month, day }: Day): number {
  // Not Date.UTC, which reads the years 0 to 99 as 1900 to 1999.
  return new Date(0).setUTCFullYear(year, month, day);
}

/** Returns a time of day in UTC, in milliseconds, possibly on the day before or after; null if the text has none. */
function timeOf(written: string): number | null {
  const half = HALF_OF_DAY.exec(written)?.[1]?.toLowerCase();
  const match = TIME_AND_ZONE.exec(written.replace(HALF_OF_DAY, ' '));
  if (!match) return null;
  const [, hours, , minute, second = '0', zone = ''] = match;
  const hour = half ? hourOfHalf(Number(hours), half) : Number(hours);
  if (hour === null || hour > 23 || Number(minute) > 59 || Number(second) > 60) return null;
  const minutes = hour * 60 + Number(minute) - offsetMinutes(zone);
  return (minutes * 60 + Number(second)) * 1000;
}

/**
 * 12 AM is midnight, 12 PM noon. If hour and half contradict each other, returns null: the error could be half a day.
 */
function hourOfHalf(hour: number, half: string): number | null {
  if (hour > 12) return half === 'p' ? hour : null;
  if (hour === 0) return half === 'a' ? 0 : null;
  return (hour % 12) + (half === 'p' ? 12 : 0);
}

/** Returns the full year (RFC 5322, 4.3): two digits mean 1950 to 2049, three are added to 1900. */
function fullYear(digits: string): number {
  const year = Number(digits);
  if (digits.length === 2) return year < 50 ? 2000 + year : 1900 + year;
  return digits.length === 3 ? 1900 + year : year;
}

function offsetMinutes(zone: string): number {
  const digits = zone.slice(1).replace(':', '');
  if (!/^\d+$/.test(digits)) return (ZONE_HOURS[zone.toUpperCase()] ?? 0) * 60;
  // "+0530" is correct, and some write "GMT+1".
  const minutes = digits.length > 2 ? Number(digits.slice(0, -2)) * 60 + Number(digits.slice(-2)) : Number(digits) * 60;
  return zone.startsWith('-') ? -minutes : minutes;
}
