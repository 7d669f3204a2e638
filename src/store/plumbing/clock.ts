/** A parameter of a statement, by number or by name (named-statement.ts). */
export type Parameter = `$${number}` | `@${string}`;

/**
 * Returns SQL for the present time. The database's clock decides, because the clocks of nodes differ. A test of time
 * may pass another time as the statement's parameter.
 */
export const timeOr = (parameter: Parameter): string => `coalesce(${parameter}::timestamptz, now())`;

/** A time that replaces the database's clock; null for the clock. */
export type At = Date | null;
