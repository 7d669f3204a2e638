import { unturned } from '../parts/bidi.ts';

/** Times in the reader's zone and language. The formats are made once: they are dear. */
const TIME = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const DAY = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const DATE = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' });
const WHOLE = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' });

/** As short as it can be told: the time of today, the day of this year, the date. */
export function shortDate(iso: string, now = new Date()): string {
  const date = new Date(iso);
  if (date.toDateString() === now.toDateString()) return TIME.format(date);
  return (date.getFullYear() === now.getFullYear() ? DAY : DATE).format(date);
}

export const wholeDate = (iso: string): string => WHOLE.format(new Date(iso));

export interface Person {
  readonly name?: string | null;
  readonly address?: string | null;
}

export const shortName = ({ name, address }: Person): string => name || unturned(address ?? '') || 'Nobody';
