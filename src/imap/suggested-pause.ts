const UNITS_MS: readonly (readonly [RegExp, number])[] = [
  [/^(ms|milli)/i, 1],
  [/^s/i, 1000],
  [/^m/i, 60_000],
  [/^h/i, 3_600_000],
];

/**
 * Returns how long a server asks the client to wait, in milliseconds, or undefined. Microsoft: "Request is throttled.
 * Suggested Backoff Time: 299961 milliseconds"; others: "try again in 5 minutes", "retry after 30 s".
 */
export function suggestedPauseMs(text: string): number | undefined {
  const match = /(?:backoff time|(?:try again|retry|wait)(?: in| after| for)?)[:=\s]+(\d{1,9})(?!\d)\s*([a-z]*)/i.exec(
    text,
  );
  if (!match) return undefined;
  const [, amount, unit = ''] = match;
  // A number without a unit is Microsoft's, in milliseconds.
  const factor = unit === '' ? 1 : UNITS_MS.find(([name]) => name.test(unit))?.[1];
  return factor === undefined ? undefined : Number(amount) * factor;
}
