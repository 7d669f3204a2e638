/**
 * The time in SQL. The database's clock decides, because the clocks of nodes differ; whoever is concerned with time itself
 * (a test) may give another one as the statement's parameter.
 */
export const timeOr = (parameter: `$${number}`): string => `coalesce(${parameter}::timestamptz, now())`;

/** A point in time that takes the place of the database's clock; null for the clock. */
export type At = Date | null;
