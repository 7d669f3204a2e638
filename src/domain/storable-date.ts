/** A date of the years 1 to 9999, for which ISO 8601 has four digits, and with it the timeline; null for any other. */
export function storableDate(date: Date | null): Date | null {
  if (date === null) return null;
  const year = date.getUTCFullYear();
  return year >= 1 && year <= 9999 ? date : null;
}
