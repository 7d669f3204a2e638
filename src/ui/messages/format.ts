import { unturned } from '../parts/bidi.ts';

/** Times in the user's zone and language. The formats are created once, because that is expensive. */
const TIME = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const DAY = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const DATE = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' });
const WHOLE = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' });

/** Formats a date briefly: the time if it is today, the day if it is this year, else the date. */
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
