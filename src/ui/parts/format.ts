/** Numbers are in the user's locale and times in the user's zone. Words are in English, like the whole page. */
const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const percents = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const ordinals = new Intl.PluralRules('en', { type: 'ordinal' });

/** The page's clock ticks in steps, so it may be behind a time that the service has just sent. */
const CLOCK_STEP_MS = 15_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const number = (value: number | string): string =>
  whole.format(typeof value === 'string' ? BigInt(value) : value);

export const percent = (value: number): string => percents.format(value / 100);

/** `1 message`, `2,000 messages`. */
export const count = (value: number, one: string, many = `${one}s`): string =>
  `${number(value)} ${value === 1 ? one : many}`;

/** `6,046`, or `596 of 6,046 stored` while that is not all. */
export const storedOf = (stored: number, all: number): string =>
  stored === all ? number(all) : `${number(stored)} of ${number(all)} stored`;

/** `1st`, `2nd`, `3rd`, `11th`. */
export function ordinal(value: number): string {
  const suffix = { one: 'st', two: 'nd', few: 'rd' }[ordinals.select(value) as string] ?? 'th';
  return `${number(value)}${suffix}`;
}

/** Decimal units, as disks and networks have them. */
export function bytes(value: number | string): string {
  let rest = Number(value);
  for (const unit of ['B', 'kB', 'MB', 'GB']) {
    if (rest < 1000) return `${rest < 10 && unit !== 'B' ? tenths.format(rest) : whole.format(rest)} ${unit}`;
    rest /= 1000;
  }
  return `${tenths.format(rest)} TB`;
}

/** How long, to two units at most: `850 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${whole.format(ms)} ms`;
  if (ms < 10_000) return `${tenths.format(ms / 1000)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return twoUnits(Math.floor(seconds / 60), 'min', seconds % 60, 's');
  return twoUnits(Math.floor(seconds / 3600), 'h', Math.floor((seconds % 3600) / 60), 'min');
}

const twoUnits = (large: number, unit: string, small: number, smaller: string): string =>
  `${number(large)} ${unit}${small > 0 ? ` ${small} ${smaller}` : ''}`;

/** Formats the time left, rounded, because it is an estimate. */
export function remaining(seconds: number): string {
  if (seconds < 5) return 'a few seconds left';
  if (seconds < 60) return `${Math.ceil(seconds / 5) * 5} s left`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min left`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min left`;
}

export const exactTime = (at: string | number): string => moment.format(new Date(at));

/** Formats a time: the time of day if it is today, else with the date. */
export function timeOf(at: string, now: number): string {
  const date = new Date(at);
  return (date.toDateString() === new Date(now).toDateString() ? clock : day).format(date);
}

/** `just now`, `3 minutes ago`, `in 2 hours`, `yesterday`. */
export function ago(at: string, now: number): string {
  const difference = Date.parse(at) - now;
  const size = Math.abs(difference);
  if (size < MINUTE_MS) return difference > CLOCK_STEP_MS ? 'in a moment' : 'just now';
  if (size < HOUR_MS) return relative.format(Math.round(difference / MINUTE_MS), 'minute');
  if (size < DAY_MS) return relative.format(Math.round(difference / HOUR_MS), 'hour');
  return relative.format(Math.round(difference / DAY_MS), 'day');
}

/** `in a moment`, `in 2 hours`: for something that has not happened yet, even if it is overdue. */
export const ahead = (at: string, now: number): string =>
  Date.parse(at) - now < MINUTE_MS ? 'in a moment' : ago(at, now);

/** `MAILBOX_GONE` as `mailbox gone`. */
export const humanize = (code: string): string => code.toLowerCase().replaceAll('_', ' ');
