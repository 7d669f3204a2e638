/** Times in the reader's zone and language. The formats are made once: they are dear. */
const TIME = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const DAY = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const DATE = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' });
const WHOLE = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });
const MEDIUM = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const NUMBER = new Intl.NumberFormat();

/** As short as it can be told: the time of today, the day of this year, the date. */
export function shortDate(iso: string, now = new Date()): string {
  const date = new Date(iso);
  if (date.toDateString() === now.toDateString()) return TIME.format(date);
  return (date.getFullYear() === now.getFullYear() ? DAY : DATE).format(date);
}

export const wholeDate = (iso: string): string => WHOLE.format(new Date(iso));
export const dateAndTime = (iso: string): string => MEDIUM.format(new Date(iso));
export const number = (value: number): string => NUMBER.format(value);

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const;

export function fileSize(bytes: number): string {
  const step = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const unit = UNITS[step]!;
  const options = { style: 'unit', unit, unitDisplay: 'short', maximumSignificantDigits: 3 } as const;
  return new Intl.NumberFormat(undefined, options).format(bytes / 1000 ** step);
}

interface Person {
  readonly name?: string | null;
  readonly address?: string | null;
}

export const shortName = ({ name, address }: Person): string => name || address || 'Nobody';
export const wholeName = ({ name, address }: Person): string =>
  name && address && name !== address
    ? `${name} <${address}>`
    : shortName({ name: name ?? null, address: address ?? null });
