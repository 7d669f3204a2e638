const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** RFC 5322, 4.3: the named zones; any other name says nothing about the offset and counts as UTC. */
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

const DATE =
  /(\d{1,2})[ -]+([a-z]{3})[a-z]*[ -]+(\d{2,4})[ ,]+(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\.\d+)?\s*(?:gmt|utc?)?([+-](?:\d{2}:?\d{2}|\d{1,2})(?!\d)|[a-z]+)?/i;
const ISO_DATE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/i;

/**
 * The time of a Date header, null if it is none of the years 1 to 9999. Not `Date.parse`: that takes a time without zone
 * for one of the machine's own zone, and the same message must give the same date everywhere.
 */
export function sentDate(header: string): Date | null {
  const time = ISO_DATE.test(header) ? Date.parse(header) : timeOf(DATE.exec(header.slice(0, 200)));
  const date = new Date(time);
  const year = date.getUTCFullYear();
  return year >= 1 && year <= 9999 ? date : null;
}

function timeOf(match: RegExpExecArray | null): number {
  if (!match) return Number.NaN;
  const [, day, name, year, hour, minute, second = '0', zone = ''] = match;
  const month = MONTHS.indexOf(name!.toLowerCase());
  const fields = [Number(day), Number(hour), Number(minute), Number(second)] as const;
  const most = [31, 23, 59, 60] as const;
  if (month < 0 || fields.some((value, i) => value > most[i]!) || fields[0] === 0) return Number.NaN;
  const date = new Date(0);
  // Not Date.UTC, which takes the years 0 to 99 for the twentieth century.
  date.setUTCFullYear(fullYear(year!), month, fields[0]);
  date.setUTCHours(fields[1], fields[2], fields[3]);
  return date.getTime() - offsetMinutes(zone) * 60_000;
}

/** RFC 5322, 4.3: two digits are of 1950 to 2049, three count from 1900. */
function fullYear(digits: string): number {
  const year = Number(digits);
  if (digits.length === 2) return year < 50 ? 2000 + year : 1900 + year;
  return digits.length === 3 ? 1900 + year : year;
}

function offsetMinutes(zone: string): number {
  const digits = zone.slice(1).replace(':', '');
  if (!/^\d+$/.test(digits)) return (ZONE_HOURS[zone.toUpperCase()] ?? 0) * 60;
  // "+0530" as it should be, "GMT+1" as some write it.
  const minutes = digits.length > 2 ? Number(digits.slice(0, -2)) * 60 + Number(digits.slice(-2)) : Number(digits) * 60;
  return zone.startsWith('-') ? -minutes : minutes;
}
