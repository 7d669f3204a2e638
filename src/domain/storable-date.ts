/**
 * Returns a date in the years 1 to 9999, which ISO 8601 and the timeline write with four digits; null for any other.
 */
export function storableDate(date: Date | null): Date | null {
  if (date === null) return null;
  const year = date.getUTCFullYear();
  return year >= 1 && year <= 9999 ? date : null;
}
